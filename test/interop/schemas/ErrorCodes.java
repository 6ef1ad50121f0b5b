// Prints Apache Kafka's catalogue of errors: one line of "code name retriable" each.
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

public class ErrorCodes {
  public static void main(String[] args) {
    for (Errors error : Errors.values()) {
      boolean retriable = error.exception() instanceof RetriableException;
      System.out.println(error.code() + " " + error.name() + " " + retriable);
    }
  }
}
