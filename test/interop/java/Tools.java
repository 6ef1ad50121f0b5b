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
    Ended(int code) {
      super("exit " + code, null, false, false);
    }
  }

  static ByteArrayOutputStream said;
  static ByteArrayOutputStream complained;
  static Integer exitCode;
  static int saidLength;
  static int complainedLength;

  /** The first call counts: some tools catch what it throws, complain about it, and exit again. */
  static void exit(int code) {
    if (exitCode == null) {
      exitCode = code;
      saidLength = said.size();
      complainedLength = complained.size();
    }
    throw new Ended(code);
  }

  public static void main(String[] args) throws Exception {
    Exit.setExitProcedure((code, message) -> exit(code));
    Exit.setHaltProcedure((code, message) -> exit(code));
    PrintStream out = System.out;
    PrintStream err = System.err;
    BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = calls.readLine()) != null; ) {
      String[] words = line.split("\t", -1);
      said = new ByteArrayOutputStream();
      complained = new ByteArrayOutputStream();
      exitCode = null;
      System.setOut(new PrintStream(said, true));
      System.setErr(new PrintStream(complained, true));
      try {
        Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
        exit(0);
      } catch (Ended done) {
        // it ran to its end
      } catch (InvocationTargetException thrown) {
        if (!(thrown.getCause() instanceof Ended)) thrown.getCause().printStackTrace();
      } catch (ReflectiveOperationException thrown) {
        thrown.printStackTrace();
      } finally {
        System.setOut(out);
        System.setErr(err);
      }
      if (exitCode == null) {
        exitCode = 1;
        saidLength = said.size();
        complainedLength = complained.size();
      }
      out.println(exitCode + " " + saidLength + " " + complainedLength);
      out.write(said.toByteArray(), 0, saidLength);
      out.write(complained.toByteArray(), 0, complainedLength);
      out.flush();
    }
  }
}
