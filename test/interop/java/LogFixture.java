// Fills a broker's log directory with everything a segment file can hold, and reads it back as lines that can be compared.
//   LogFixture write BOOTSTRAP BASE_TIME          topics without transactions
//   LogFixture write-all BOOTSTRAP BASE_TIME      also committed, aborted and open transactions, and a topic that was compacted
//   LogFixture read BOOTSTRAP BASE_TIME           one line per partition and isolation: offsets, counts, hash of all records
//   LogFixture configs BOOTSTRAP BASE_TIME        one line per setting of a topic that is not the default
//   LogFixture append BOOTSTRAP BASE_TIME         new idempotent producers append to every partition; offsets must go on where they ended
// Two brokers that serve the same bytes print the same lines for `read`.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class LogFixture {
  /** Handed in, so that `read` asks for the times that `write` used; recent, so that retention leaves the records alone. */
  static long baseTime;
  static String bootstrap;
  static final Random chance = new Random(42);

  public static void main(String[] args) throws Exception {
    bootstrap = args[1];
    baseTime = Long.parseLong(args[2]);
    switch (args[0]) {
      case "write" -> write();
      case "write-all" -> {
        write();
        writeTransactions();
        writeCompacted();
      }
      case "read" -> read();
      case "configs" -> configs();
      case "append" -> append();
      default -> throw new IllegalArgumentException(args[0]);
    }
    System.exit(0);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static KafkaProducer<byte[], byte[]> producer(Object... settings) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("linger.ms", 5);
    // Where everything competes for two cores, Kafka itself takes more than a minute for its first transaction.
    properties.put("max.block.ms", 150_000);
    for (int i = 0; i < settings.length; i += 2) properties.put(settings[i], settings[i + 1]);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static Admin admin() {
    return Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap));
  }

  static void create(String name, int partitions, Map<String, String> configs) throws Exception {
    try (Admin admin = admin()) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
    }
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int number, int size) {
    byte[] value = new byte[size];
    chance.nextBytes(value);
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, 0, baseTime + number, number % 5 == 0 ? null : bytes("key-" + number), number % 7 == 0 ? null : value);
    if (number % 3 == 0) record.headers().add("n", bytes("" + number)).add("null", null).add("n", bytes("again"));
    return record;
  }

  static void send(KafkaProducer<byte[], byte[]> producer, String topic, int count, int size) throws Exception {
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) sent.add(producer.send(record(topic, i, size)));
    producer.flush();
    for (Future<RecordMetadata> future : sent) future.get();
  }

  static void write() throws Exception {
    // One batch of each of the first three producer ids, and nothing else: see `append`.
    create("fx.one-batch", 1, Map.of());
    for (int i = 0; i < 3; i++) {
      try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", 0)) {
        producer.send(record("fx.one-batch", i, 20)).get();
      }
    }
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      create("fx.codec-" + codec, 1, Map.of());
      try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", codec, "batch.size", 4000)) {
        send(producer, "fx.codec-" + codec, 500, 50);
      }
    }
    // Several segments, with entries in their indexes and snapshots between them; two producers, one without an id.
    create("fx.segments", 1, Map.of("segment.bytes", "1048576"));
    try (KafkaProducer<byte[], byte[]> first = producer();
        KafkaProducer<byte[], byte[]> second = producer("enable.idempotence", false)) {
      for (int round = 0; round < 10; round++) {
        send(first, "fx.segments", 1000, 400);
        send(second, "fx.segments", 100, 40);
      }
    }
    create("fx.deleted", 1, Map.of());
    try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", 50); Admin admin = admin()) {
      send(producer, "fx.deleted", 100, 20);
      TopicPartition at = new TopicPartition("fx.deleted", 0);
      admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(37))).all().get();
    }
    create("fx.append-time", 1, Map.of("message.timestamp.type", "LogAppendTime"));
    try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", "lz4")) {
      send(producer, "fx.append-time", 100, 20);
    }
    create("fx.empty", 4, Map.of("retention.ms", "123456789"));
  }

  static void writeTransactions() throws Exception {
    create("fx.transactions", 1, Map.of("segment.bytes", "1048576"));
    try (KafkaProducer<byte[], byte[]> one = producer("transactional.id", "one");
        KafkaProducer<byte[], byte[]> two = producer("transactional.id", "two", "compression.type", "zstd");
        KafkaProducer<byte[], byte[]> plain = producer()) {
      one.initTransactions();
      two.initTransactions();
      for (int round = 0; round < 8; round++) {
        // Interleaved: each ends the other's way, and the aborted ones span segments.
        one.beginTransaction();
        two.beginTransaction();
        send(one, "fx.transactions", 500, 300);
        send(plain, "fx.transactions", 10, 30);
        send(two, "fx.transactions", 500, 300);
        send(one, "fx.transactions", 100, 300);
        if (round % 2 == 0) one.commitTransaction(); else one.abortTransaction();
        send(plain, "fx.transactions", 10, 30);
        if (round % 3 == 0) two.abortTransaction(); else two.commitTransaction();
      }
    }
    create("fx.open-transaction", 1, Map.of());
    KafkaProducer<byte[], byte[]> open = producer("transactional.id", "open", "transaction.timeout.ms", 900_000);
    try (KafkaProducer<byte[], byte[]> plain = producer()) {
      open.initTransactions();
      send(plain, "fx.open-transaction", 10, 30);
      open.beginTransaction();
      send(open, "fx.open-transaction", 10, 30);
      send(plain, "fx.open-transaction", 10, 30);
      // Left open: closing the producer would abort it.
    }
  }

  static void writeCompacted() throws Exception {
    create("fx.compacted", 1, Map.of(
        "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01", "delete.retention.ms", "86400000"));
    long end = 0;
    try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", "snappy")) {
      for (int i = 0; i < 12_000; i++) {
        byte[] value = new byte[400];
        chance.nextBytes(value);
        byte[] key = bytes("key-" + i % 1500);
        producer.send(new ProducerRecord<>("fx.compacted", 0, baseTime + i, key, i % 11 == 0 ? null : value));
        end++;
      }
    }
    // The cleaner has been here when far fewer records are left than were written, and their number stays.
    long deadline = System.nanoTime() + 60_000_000_000L;
    int before = -1;
    while (true) {
      int left = readPartition(new TopicPartition("fx.compacted", 0), 0, end, "read_uncommitted", null);
      if (left < end / 2 && left == before) return;
      if (System.nanoTime() > deadline) throw new AssertionError("not compacted within 60 s: " + left + " of " + end + " records");
      before = left;
      Thread.sleep(1000);
    }
  }

  static TreeSet<String> topics(Admin admin) throws Exception {
    TreeSet<String> names = new TreeSet<>(admin.listTopics().names().get());
    names.removeIf(name -> !name.startsWith("fx."));
    return names;
  }

  static void read() throws Exception {
    try (Admin admin = admin()) {
      TreeSet<String> names = topics(admin);
      Map<String, TopicDescription> described = admin.describeTopics(names).allTopicNames().get();
      for (String name : names) {
        for (int partition = 0; partition < described.get(name).partitions().size(); partition++) {
          TopicPartition at = new TopicPartition(name, partition);
          // In a compacted log Kafka stops at an emptied batch whose maximum time would fit, and finds nothing: no referee there.
          System.out.println(at + " id=" + described.get(name).topicId() + " max-timestamp=" + offset(admin, at, OffsetSpec.maxTimestamp())
              + (name.equals("fx.compacted") ? "" : " time=" + offset(admin, at, OffsetSpec.forTimestamp(baseTime + 250))));
          for (IsolationLevel isolation : IsolationLevel.values()) {
            ListOffsetsOptions options = new ListOffsetsOptions(isolation);
            long start = admin.listOffsets(Map.of(at, OffsetSpec.earliest()), options).partitionResult(at).get().offset();
            long end = admin.listOffsets(Map.of(at, OffsetSpec.latest()), options).partitionResult(at).get().offset();
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            String level = isolation.name().toLowerCase();
            int count = readPartition(at, start, end, level, digest);
            System.out.println(at + " " + level + " start=" + start + " end=" + end + " records=" + count + " hash=" + HexFormat.of().formatHex(digest.digest(), 0, 8));
          }
        }
      }
    }
  }

  static long offset(Admin admin, TopicPartition at, OffsetSpec spec) throws Exception {
    return admin.listOffsets(Map.of(at, spec)).partitionResult(at).get().offset();
  }

  static final Map<String, KafkaConsumer<byte[], byte[]>> consumers = new TreeMap<>();

  /** One consumer per isolation for all partitions: starting one costs more than reading. */
  static KafkaConsumer<byte[], byte[]> consumer(String isolation) {
    return consumers.computeIfAbsent(isolation, level -> {
      Properties properties = new Properties();
      properties.put("bootstrap.servers", bootstrap);
      properties.put("isolation.level", level);
      properties.put("auto.offset.reset", "none");
      properties.put("enable.auto.commit", false);
      return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    });
  }

  static int readPartition(TopicPartition at, long start, long end, String isolation, MessageDigest digest) {
    KafkaConsumer<byte[], byte[]> consumer = consumer(isolation);
    int count = 0;
    consumer.assign(List.of(at));
    consumer.seek(at, start);
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (consumer.position(at) < end) {
      if (System.nanoTime() > deadline) throw new AssertionError(at + " " + isolation + ": at " + consumer.position(at) + " of " + end);
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(300))) {
        if (record.offset() >= end) continue;
        count++;
        if (digest != null) digest(digest, record);
      }
    }
    return count;
  }

  static void digest(MessageDigest digest, ConsumerRecord<byte[], byte[]> record) {
    digest.update(bytes(record.offset() + " " + record.timestamp() + " " + record.timestampType() + " " + record.leaderEpoch().orElse(-1)));
    digest(digest, record.key());
    digest(digest, record.value());
    for (Header header : record.headers()) {
      digest.update(bytes(header.key()));
      digest(digest, header.value());
    }
  }

  static void digest(MessageDigest digest, byte[] value) {
    digest.update(ByteBuffer.allocate(4).putInt(value == null ? -1 : value.length).array());
    if (value != null) digest.update(value);
  }

  static void configs() throws Exception {
    try (Admin admin = admin()) {
      for (String name : topics(admin)) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
        Map<String, String> set = new TreeMap<>();
        for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
          if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) set.put(entry.name(), entry.value());
        }
        System.out.println(name + " " + set);
      }
    }
  }

  static void append() throws Exception {
    try (Admin admin = admin()) {
      // First where the first producer ids wrote: a broker that gives them out again takes these for duplicates.
      List<String> names = new ArrayList<>(topics(admin));
      names.remove("fx.one-batch");
      names.add(0, "fx.one-batch");
      for (String name : names) {
        TopicPartition at = new TopicPartition(name, 0);
        long end = offset(admin, at, OffsetSpec.latest());
        // A new producer per round: with ids that are new to every partition, nothing here is a duplicate.
        for (int round = 0; round < 3; round++) {
          try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", 0)) {
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(name, 0, bytes("new"), bytes("round " + round));
            long offset = producer.send(record).get().offset();
            if (offset != end + round) throw new AssertionError(at + ": appended at " + offset + ", want " + (end + round));
          }
        }
        int count = readPartition(at, end, end + 3, "read_uncommitted", null);
        if (count != 3) throw new AssertionError(at + ": " + count + " of 3 appended records read back");
        System.out.println(at + " appended at " + end);
      }
    }
  }
}
