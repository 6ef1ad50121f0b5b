// What Apache Kafka says about settings. `facts` prints its definitions; `values` reads "key<TAB>value" lines with
// backslash escapes and prints how the topic settings rule: "ok <canonical text>" or "no".
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

public class ConfigReferee {
  public static void main(String[] args) throws Exception {
    if (args[0].equals("facts")) facts();
    else values();
  }

  static void facts() {
    Map<String, String> modes = DynamicBrokerConfig.dynamicConfigUpdateModes();
    for (ConfigDef.ConfigKey key : sorted(AbstractKafkaConfig.CONFIG_DEF))
      print("broker", key, modes.getOrDefault(key.name, "read-only"));
    for (ConfigDef.ConfigKey key : sorted(LogConfig.configDefCopy())) {
      if (key.internalConfig) continue;
      StringBuilder names = new StringBuilder();
      ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS
          .getOrDefault(key.name, List.of())
          .forEach(synonym -> names.append(synonym.name()).append(' '));
      print("topic", key, names.toString().trim());
    }
  }

  static Iterable<ConfigDef.ConfigKey> sorted(ConfigDef definition) {
    return new TreeMap<>(definition.configKeys()).values();
  }

  static void print(String scope, ConfigDef.ConfigKey key, String last) {
    String value = !key.hasDefault() ? "<required>"
        : key.defaultValue == null ? "null" : ConfigDef.convertToString(key.defaultValue, key.type);
    String allowed = key.validator == null ? "" : key.validator.toString();
    if (allowed.startsWith("[partitionId]")) allowed = "replicas";
    System.out.println(String.join("\t", scope, key.name, key.type.toString(), value, allowed, last));
  }

  static void values() throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] cells = line.split("\t", -1);
      System.out.println(ruling(cells[0], cells[1].translateEscapes()));
    }
  }

  static String ruling(String key, String value) {
    Map<String, String> settings = new HashMap<>();
    settings.put(key, value);
    try {
      LogConfig.validate(settings);
      Object parsed = new LogConfig(settings).values().get(key);
      return "ok " + ConfigDef.convertToString(parsed, LogConfig.configType(key).orElse(null));
    } catch (Exception e) {
      return "no";
    }
  }
}
