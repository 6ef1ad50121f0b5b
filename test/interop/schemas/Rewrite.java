// Apache Kafka's own codecs as a filter: reads lines of "key request|response version hex", or of "type key|value version hex"
// for records of __consumer_offsets, has Kafka's generated class read the bytes, and prints what it writes again, or "error"
// with the reason. Bytes that Kafka leaves unread are an error too.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.coordinator.group.generated.CoordinatorRecordType;

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
      ApiMessage message = empty(words[1], Short.parseShort(words[0]));
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

  private static ApiMessage empty(String part, short number) {
    return switch (part) {
      case "request" -> ApiMessageType.fromApiKey(number).newRequest();
      case "response" -> ApiMessageType.fromApiKey(number).newResponse();
      case "key" -> CoordinatorRecordType.fromId(number).newRecordKey();
      case "value" -> CoordinatorRecordType.fromId(number).newRecordValue();
      default -> throw new IllegalArgumentException(part);
    };
  }
}
