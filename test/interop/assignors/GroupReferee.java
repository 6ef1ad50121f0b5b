// Apache Kafka's own assignors and RE2/J as referees. `assign` reads a JSON spec on each line and prints the targets that
// `assignor` makes of it as JSON; `patterns` reads [pattern, name...] and prints whether it is valid and which names match.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.GroupAssignment;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

public class GroupReferee {
  static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode input = json.readTree(line);
      System.out.println(json.writeValueAsString(args[0].equals("assign") ? assign(input) : patterns(input)));
    }
  }

  static Object assign(JsonNode input) {
    Map<Uuid, Integer> partitions = new HashMap<>();
    input.get("topics").fields().forEachRemaining(topic -> partitions.put(id(topic.getKey()), topic.getValue().asInt()));
    Map<String, MemberSubscriptionAndAssignmentImpl> members = new LinkedHashMap<>();
    Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
    input.get("members").fields().forEachRemaining(entry -> {
      Map<Uuid, Set<Integer>> assigned = new HashMap<>();
      entry.getValue().get("assigned").fields().forEachRemaining(topic -> {
        for (JsonNode partition : topic.getValue()) {
          assigned.computeIfAbsent(id(topic.getKey()), key -> new HashSet<>()).add(partition.asInt());
          owners.computeIfAbsent(id(topic.getKey()), key -> new HashMap<>()).put(partition.asInt(), entry.getKey());
        }
      });
      Set<Uuid> subscribed = new HashSet<>();
      for (JsonNode topic : entry.getValue().get("subscribed")) subscribed.add(id(topic.asText()));
      Optional<String> instanceId = Optional.ofNullable(entry.getValue().get("instanceId").textValue());
      members.put(entry.getKey(), new MemberSubscriptionAndAssignmentImpl(
          Optional.empty(), instanceId, subscribed, new Assignment(assigned)));
    });
    ConsumerGroupPartitionAssignor assignor =
        input.get("assignor").asText().equals("range") ? new RangeAssignor() : new UniformAssignor();
    SubscriptionType type = SubscriptionType.valueOf(input.get("type").asText().toUpperCase());
    GroupAssignment targets = assignor.assign(new GroupSpecImpl(members, type, owners), describer(partitions));
    Map<String, Map<String, Set<Integer>>> result = new TreeMap<>();
    targets.members().forEach((member, target) -> {
      Map<String, Set<Integer>> lists = new TreeMap<>();
      target.partitions().forEach((topic, list) -> {
        if (!list.isEmpty()) lists.put(topic.toString(), new TreeSet<>(list));
      });
      result.put(member, lists);
    });
    return result;
  }

  static Uuid id(String text) {
    return Uuid.fromString(text);
  }

  static SubscribedTopicDescriber describer(Map<Uuid, Integer> partitions) {
    return new SubscribedTopicDescriber() {
      @Override
      public int numPartitions(Uuid topicId) {
        return partitions.getOrDefault(topicId, -1);
      }

      @Override
      public Set<String> racksForPartition(Uuid topicId, int partition) {
        throw new UnsupportedOperationException("no assignor of 4.3 asks for racks");
      }
    };
  }

  static Object patterns(JsonNode input) {
    try {
      Pattern pattern = Pattern.compile(input.get(0).asText());
      List<Boolean> matches = new ArrayList<>();
      for (int i = 1; i < input.size(); i++) matches.add(pattern.matcher(input.get(i).asText()).matches());
      return matches;
    } catch (PatternSyntaxException error) {
      return error.getDescription();
    }
  }
}
