// Apache Kafka's own codecs as a filter: reads lines of "key request|response version hex", has Kafka's
// generated class read the bytes, and prints what it writes again, or "error" with the reason. Bytes that
// Kafka leaves unread are an error too.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

public class Rewrite {
  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    PrintStream out = new PrintStream(System.out, false);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      out.println(answer(line.split(" ", -1)));
    }
    out.flush();
  }

  private static String answer(String[] words) {
    try {
      ApiMessageType type = ApiMessageType.fromApiKey(Short.parseShort(words[0]));
      ApiMessage message = words[1].equals("request") ? type.newRequest() : type.newResponse();
      short version = Short.parseShort(words[2]);
      ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(words[3]));
      message.read(new ByteBufferAccessor(bytes), version);
      if (bytes.remaining() > 0) return "error " + bytes.remaining() + " bytes left over";
      ByteBuffer again = MessageUtil.toByteBufferAccessor(message, version).buffer();
      byte[] written = new byte[again.remaining()];
      again.get(written);
      return HexFormat.of().formatHex(written);
    } catch (Throwable problem) {
      return "error " + problem;
    }
  }
}
