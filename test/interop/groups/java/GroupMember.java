// A member of a group with the Java client: test/interop/programs/README-groups.md says what it is told and what it prints.
// Runs with kafka-clients 4.3 and 3.9. `--strategy` is the client's assignor (classic) or the broker's (consumer).

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

public class GroupMember {
  private static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private static final Map<String, String> arguments = new HashMap<>();
  private static KafkaConsumer<String, String> consumer;
  private static volatile boolean leaving;

  /** What was printed and not yet committed. */
  private static final Map<TopicPartition, OffsetAndMetadata> printed = new HashMap<>();

  public static void main(String[] words) throws Exception {
    for (int at = 0; at + 1 < words.length; at += 2) arguments.put(words[at].substring(2), words[at + 1]);
    consumer = new KafkaConsumer<>(properties());
    subscribe();
    Thread asked = new Thread(GroupMember::awaitEndOfInput);
    asked.setDaemon(true);
    asked.start();
    say("ready");
    try {
      while (!leaving) read(consumer.poll(Duration.ofMillis(500)));
    } catch (WakeupException stop) {
      // asked to leave while it waited
    }
    consumer.close();
    say("left");
    System.exit(0);
  }

  private static Properties properties() {
    boolean isClassic = !"consumer".equals(arguments.get("protocol"));
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments.get("bootstrap"));
    properties.put("group.id", arguments.get("group"));
    properties.put("client.id", arguments.get("name"));
    properties.put("key.deserializer", StringDeserializer.class.getName());
    properties.put("value.deserializer", StringDeserializer.class.getName());
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    properties.put("metadata.max.age.ms", "2000");
    if (arguments.containsKey("instance")) properties.put("group.instance.id", arguments.get("instance"));
    if (isClassic) {
      properties.put("session.timeout.ms", arguments.getOrDefault("session", "6000"));
      properties.put("heartbeat.interval.ms", "1000");
      properties.put("partition.assignment.strategy", assignor(arguments.getOrDefault("strategy", "range")));
    } else {
      properties.put("group.protocol", "consumer");
      if (arguments.containsKey("strategy")) properties.put("group.remote.assignor", arguments.get("strategy"));
    }
    return properties;
  }

  private static List<String> assignor(String names) {
    return List.of(names.split(",")).stream()
        .map(
            name ->
                switch (name) {
                  case "range" -> "RangeAssignor";
                  case "roundrobin" -> "RoundRobinAssignor";
                  case "sticky" -> "StickyAssignor";
                  case "cooperative-sticky" -> "CooperativeStickyAssignor";
                  default -> throw new IllegalArgumentException(name);
                })
        .map(name -> "org.apache.kafka.clients.consumer." + name)
        .collect(Collectors.toList());
  }

  private static void subscribe() {
    ConsumerRebalanceListener listener = new Listener();
    String regex = arguments.get("regex");
    if (regex == null) consumer.subscribe(List.of(arguments.get("topics").split(",")), listener);
    else if ("consumer".equals(arguments.get("protocol"))) consumer.subscribe(new SubscriptionPattern(regex), listener);
    else consumer.subscribe(java.util.regex.Pattern.compile(regex), listener);
  }

  private static void awaitEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // nothing is said
      }
    } catch (IOException gone) {
      // as good as its end
    }
    leaving = true;
    consumer.wakeup();
  }

  private static void read(ConsumerRecords<String, String> records) {
    StringBuilder lines = new StringBuilder();
    for (ConsumerRecord<String, String> record : records) {
      line(lines, "record", record.topic() + "-" + record.partition(), String.valueOf(record.offset()), record.value());
      printed.put(
          new TopicPartition(record.topic(), record.partition()),
          new OffsetAndMetadata(record.offset() + 1, record.leaderEpoch(), ""));
    }
    write(lines);
    // Also what an earlier commit could not, when there is nothing new.
    commit(new HashMap<>(printed));
  }

  /** Commits and says so; a commit that the group's changes get in the way of is left to who comes next. */
  private static void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
    if (offsets.isEmpty()) return;
    try {
      consumer.commitSync(offsets);
    } catch (CommitFailedException | RebalanceInProgressException | TimeoutException hindered) {
      System.err.println(arguments.get("name") + ": " + hindered);
      return;
    } catch (WakeupException stop) {
      // Asked to leave: once more, as the wakeup is spent.
      commit(offsets);
      return;
    }
    offsets.forEach(printed::remove);
    say(
        "committed",
        new TreeMap<>(offsets.entrySet().stream().collect(Collectors.toMap(entry -> entry.getKey().toString(), entry -> entry.getValue().offset())))
            .entrySet().stream()
                .map(entry -> entry.getKey() + ":" + entry.getValue())
                .collect(Collectors.joining(",")));
  }

  private static final class Listener implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      say("assigned", generation(), names(partitions));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      Map<TopicPartition, OffsetAndMetadata> last = new HashMap<>(printed);
      last.keySet().retainAll(partitions);
      commit(last);
      partitions.forEach(printed::remove);
      say("revoked", generation(), names(partitions));
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      partitions.forEach(printed::remove);
      say("lost", generation(), names(partitions));
    }
  }

  private static String generation() {
    int generation = consumer.groupMetadata().generationId();
    return generation < 0 ? "-" : String.valueOf(generation);
  }

  private static String names(Collection<TopicPartition> partitions) {
    return partitions.stream().map(TopicPartition::toString).sorted().collect(Collectors.joining(","));
  }

  private static void say(String kind, String... columns) {
    StringBuilder lines = new StringBuilder();
    line(lines, kind, columns);
    write(lines);
  }

  private static void line(StringBuilder lines, String kind, String... columns) {
    lines.append(System.currentTimeMillis()).append('\t').append(kind).append('\t').append(arguments.get("name"));
    for (String column : columns) lines.append('\t').append(column);
    lines.append('\n');
  }

  private static synchronized void write(StringBuilder lines) {
    if (lines.length() == 0) return;
    out.print(lines);
    out.flush();
  }
}
