// Runs Kafka's command line tools in one JVM, as if each had been started by its script: saves seconds per call.
// Standard input: per call one line `CLASS TAB ARG TAB ARG ...`. Standard output: per call `EXIT CODE` and the lengths of what it
// printed to both streams, in one line, then those bytes. A tool's own exit is caught by Kafka's Exit procedures.

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

public class Tools {
  static final class Ended extends Error {
    final int code;

    Ended(int code) {
      super("exit " + code, null, false, false);
      this.code = code;
    }
  }

  public static void main(String[] args) throws Exception {
    Exit.setExitProcedure((code, message) -> { throw new Ended(code); });
    Exit.setHaltProcedure((code, message) -> { throw new Ended(code); });
    PrintStream out = System.out;
    PrintStream err = System.err;
    BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = calls.readLine()) != null; ) {
      String[] words = line.split("\t", -1);
      ByteArrayOutputStream said = new ByteArrayOutputStream();
      ByteArrayOutputStream complained = new ByteArrayOutputStream();
      System.setOut(new PrintStream(said, true));
      System.setErr(new PrintStream(complained, true));
      int code = 0;
      try {
        Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
      } catch (InvocationTargetException thrown) {
        if (thrown.getCause() instanceof Ended ended) {
          code = ended.code;
        } else {
          thrown.getCause().printStackTrace();
          code = 1;
        }
      } finally {
        System.setOut(out);
        System.setErr(err);
      }
      out.println(code + " " + said.size() + " " + complained.size());
      said.writeTo(out);
      complained.writeTo(out);
      out.flush();
    }
  }
}
