// The Java client 4.3 against a broker, one check per run: Checks CHECK BOOTSTRAP.
// Each check ends with a line of `key=value` counts, or with an exception that says what differs from Apache Kafka 4.3.
// Consumers use assigned partitions; records are compared one by one, or by hash where there are many.

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Checks {
  static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
  static final int MAX_MESSAGE_BYTES = 1_048_588;
  // Batch header 61; per record: length 3, attributes, timestamp delta and offset delta 3, null key 1, value length 3, header count 1.
  static final int LARGEST_VALUE = MAX_MESSAGE_BYTES - 61 - 11;
  /** Recent, so that retention leaves the records alone. */
  static final long BASE_TIME = System.currentTimeMillis() / 1000 * 1000 - 3_600_000;

  static String bootstrap;

  public static void main(String[] args) throws Exception {
    bootstrap = args[1];
    Map<String, Object> counts =
        switch (args[0]) {
          case "codecs" -> codecs();
          case "shapes" -> shapes();
          case "size" -> size();
          case "bulk" -> bulk();
          case "acks" -> acks();
          case "offsets" -> offsets();
          case "producer" -> producer();
          case "admin" -> admin();
          case "restart" -> restart();
          default -> throw new IllegalArgumentException(args[0]);
        };
    StringBuilder line = new StringBuilder("counts");
    counts.forEach((key, value) -> line.append(' ').append(key).append('=').append(value));
    System.out.println(line);
    System.exit(0);
  }

  // ------------------------------------------------------------------ what the checks are made of

  static void expect(String what, Object actual, Object wanted) {
    if (!Objects.deepEquals(actual, wanted)) {
      throw new AssertionError(what + ": got " + show(actual) + ", want " + show(wanted));
    }
  }

  static String show(Object value) {
    String text = value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : String.valueOf(value);
    return text.length() > 500 ? text.substring(0, 500) + "..." : text;
  }

  static void expectError(String what, Class<?> wanted, Callable<?> action) throws Exception {
    Object answer;
    try {
      answer = action.call();
    } catch (Exception error) {
      Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
      if (!wanted.isInstance(cause)) throw new AssertionError(what + ": got " + cause + ", want " + wanted.getSimpleName());
      return;
    }
    throw new AssertionError(what + ": succeeded with " + show(answer) + ", want " + wanted.getSimpleName());
  }

  static void waitUntil(String what, Callable<Boolean> holds) throws Exception {
    long deadline = System.nanoTime() + 15_000_000_000L;
    while (true) {
      Exception last = null;
      try {
        if (holds.call()) return;
      } catch (Exception error) {
        last = error;
      }
      if (System.nanoTime() > deadline) throw new AssertionError(what + ": not within 15 s", last);
      Thread.sleep(30);
    }
  }

  static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  static Admin newAdmin() {
    return Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap));
  }

  static String create(String name, int partitions, Map<String, String> configs) throws Exception {
    try (Admin admin = newAdmin()) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
      waitUntil(name + " has leaders", () -> {
        TopicDescription found = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
        return found.partitions().stream().filter(p -> p.leader() != null && !p.leader().isEmpty()).count() == partitions;
      });
    }
    return name;
  }

  static String create(String name) throws Exception {
    return create(name, 1, Map.of());
  }

  static KafkaProducer<byte[], byte[]> newProducer(Object... settings) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("max.request.size", 10_000_000);
    properties.put("linger.ms", 5);
    properties.put("reconnect.backoff.ms", 20);
    properties.put("reconnect.backoff.max.ms", 200);
    for (int i = 0; i < settings.length; i += 2) properties.put(settings[i], settings[i + 1]);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> newConsumer(Object... settings) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("enable.auto.commit", false);
    properties.put("auto.offset.reset", "none");
    for (int i = 0; i < settings.length; i += 2) properties.put(settings[i], settings[i + 1]);
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** Sends all and returns where each was acknowledged. */
  static List<RecordMetadata> produce(List<ProducerRecord<byte[], byte[]>> records, Object... settings) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = newProducer(settings)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (ProducerRecord<byte[], byte[]> record : records) sent.add(producer.send(record));
      producer.flush();
      List<RecordMetadata> done = new ArrayList<>();
      for (Future<RecordMetadata> future : sent) done.add(future.get());
      return done;
    }
  }

  /** Reads exactly `count` records of a partition from `start`; fails if fewer come in time or more follow. */
  static List<ConsumerRecord<byte[], byte[]>> consume(String topic, int partition, long start, int count, Object... settings) {
    try (KafkaConsumer<byte[], byte[]> consumer = newConsumer(settings)) {
      TopicPartition at = new TopicPartition(topic, partition);
      consumer.assign(List.of(at));
      consumer.seek(at, start);
      List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
      long deadline = System.nanoTime() + 60_000_000_000L;
      while (found.size() < count) {
        if (System.nanoTime() > deadline) throw new AssertionError("read " + found.size() + " of " + count + " records of " + at);
        consumer.poll(Duration.ofMillis(500)).forEach(found::add);
      }
      consumer.poll(Duration.ofMillis(200)).forEach(found::add);
      expect("records of " + at, found.size(), count);
      return found;
    }
  }

  static void expectSame(String what, List<ConsumerRecord<byte[], byte[]>> read, List<ProducerRecord<byte[], byte[]>> sent) {
    expect(what + ": records", read.size(), sent.size());
    for (int i = 0; i < read.size(); i++) {
      ConsumerRecord<byte[], byte[]> got = read.get(i);
      ProducerRecord<byte[], byte[]> want = sent.get(i);
      String where = what + " at offset " + got.offset();
      expect(where + ", offset", got.offset(), (long) i);
      expect(where + ", key", got.key(), want.key());
      expect(where + ", value", got.value(), want.value());
      expect(where + ", headers", Arrays.asList(got.headers().toArray()), Arrays.asList(want.headers().toArray()));
      if (want.timestamp() != null) expect(where + ", timestamp", got.timestamp(), want.timestamp());
    }
  }

  static ProducerRecord<byte[], byte[]> record(String topic, String key, String value) {
    return new ProducerRecord<>(topic, 0, bytes(key), bytes(value));
  }

  // ------------------------------------------------------------------ the checks

  static Map<String, Object> codecs() throws Exception {
    Map<String, Object> counts = new LinkedHashMap<>();
    for (String codec : CODECS) {
      String topic = create("java.codec-" + codec);
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        byte[] value = bytes("the same words again and again ".repeat(12) + i);
        Header header = new RecordHeader("n", bytes("" + i));
        records.add(new ProducerRecord<>(topic, 0, BASE_TIME + i, bytes("k" + i), value, List.of(header)));
      }
      List<RecordMetadata> done = produce(records, "compression.type", codec, "linger.ms", 100);
      for (int i = 0; i < 500; i++) expect("acknowledged offset", done.get(i).offset(), (long) i);
      expectSame(codec, consume(topic, 0, 0, 500), records);
      counts.put(codec, records.size());
    }
    return counts;
  }

  static Map<String, Object> shapes() throws Exception {
    int total = 0;
    for (String codec : CODECS) {
      String topic = create("java.shapes-" + codec);
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      records.add(record(topic, "key", "value"));
      records.add(record(topic, null, "null key"));
      records.add(record(topic, "null value", null));
      records.add(record(topic, null, null));
      records.add(record(topic, "", ""));
      byte[] all = new byte[256];
      for (int i = 0; i < 256; i++) all[i] = (byte) i;
      records.add(new ProducerRecord<>(topic, 0, all, all));
      String[][][] headers = {
        {{"name", "value"}},
        {{"null", null}, {"empty", ""}, {"", "nameless"}},
        {{"twice", "1"}, {"other", "2"}, {"twice", "3"}, {"twice", "1"}},
        {{"h\u00e4\u00e4der \u2603 \ud83d\ude00", "\u00e9"}},
      };
      for (String[][] list : headers) {
        ProducerRecord<byte[], byte[]> record = record(topic, "headers", "v");
        for (String[] header : list) record.headers().add(header[0], bytes(header[1]));
        records.add(record);
      }
      ProducerRecord<byte[], byte[]> many = record(topic, null, null);
      for (int i = 0; i < 1000; i++) many.headers().add("h" + i, bytes("" + i));
      records.add(many);
      // Times that go backwards within a batch, and the smallest that is allowed.
      for (long time : new long[] {BASE_TIME + 9, BASE_TIME + 2, 0, BASE_TIME + 5}) {
        records.add(new ProducerRecord<>(topic, 0, time, bytes("time"), bytes("" + time)));
      }
      produce(records, "compression.type", codec, "linger.ms", 50);
      expectSame(codec, consume(topic, 0, 0, records.size()), records);
      total += records.size();
    }
    return Map.of("records", total);
  }

  static Map<String, Object> size() throws Exception {
    String topic = create("java.size");
    byte[] value = new byte[LARGEST_VALUE + 1];
    new Random(1).nextBytes(value);
    byte[] largest = Arrays.copyOf(value, LARGEST_VALUE);
    try (KafkaProducer<byte[], byte[]> producer = newProducer("linger.ms", 0)) {
      expect("offset", producer.send(new ProducerRecord<>(topic, 0, null, largest)).get().offset(), 0L);
      expectError("one byte above", RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>(topic, 0, null, value)).get());
      expect("the same producer goes on", producer.send(record(topic, null, "after")).get().offset(), 1L);
    }
    List<ConsumerRecord<byte[], byte[]>> read = consume(topic, 0, 0, 2);
    expect("bytes of the largest", Arrays.equals(read.get(0).value(), largest), true);
    expect("value after it", read.get(1).value(), bytes("after"));
    read = consume(topic, 0, 0, 2, "max.partition.fetch.bytes", 1000, "fetch.max.bytes", 1000);
    expect("through a small fetch", Arrays.equals(read.get(0).value(), largest), true);
    // A batch of many records that is too large is split by the client when the broker refuses it, and then passes.
    String small = create("java.size-split", 1, Map.of("max.message.bytes", "5000"));
    List<ProducerRecord<byte[], byte[]>> many = new ArrayList<>();
    for (int i = 0; i < 100; i++) many.add(record(small, "k" + i, "x".repeat(300)));
    produce(many, "linger.ms", 200, "batch.size", 20_000);
    expectSame("split", consume(small, 0, 0, 100), many);
    return Map.of("largest", LARGEST_VALUE);
  }

  static Map<String, Object> bulk() throws Exception {
    int count = 100_000;
    int partitions = 3;
    String topic = create("java.bulk", partitions, Map.of());
    Random chance = new Random(7);
    MessageDigest[] sent = new MessageDigest[partitions];
    for (int p = 0; p < partitions; p++) sent[p] = MessageDigest.getInstance("SHA-256");
    List<Future<RecordMetadata>> futures = new ArrayList<>();
    long began = System.nanoTime();
    try (KafkaProducer<byte[], byte[]> producer =
        newProducer("max.in.flight.requests.per.connection", 5, "enable.idempotence", true, "compression.type", "lz4")) {
      for (int i = 0; i < count; i++) {
        byte[] value = new byte[chance.nextInt(400)];
        chance.nextBytes(value);
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, i % partitions, bytes("key-" + i), value);
        if (i % 3 == 0) record.headers().add("n", bytes("" + i)).add("null", null);
        digest(sent[i % partitions], i / partitions, record.key(), value, record.headers().toArray());
        futures.add(producer.send(record));
      }
    }
    for (int i = 0; i < count; i++) expect("offset of record " + i, futures.get(i).get().offset(), (long) (i / partitions));
    long produced = System.nanoTime();
    int total = 0;
    for (int p = 0; p < partitions; p++) {
      int wanted = (count - p + partitions - 1) / partitions;
      MessageDigest read = MessageDigest.getInstance("SHA-256");
      for (ConsumerRecord<byte[], byte[]> record : consume(topic, p, 0, wanted)) {
        digest(read, record.offset(), record.key(), record.value(), record.headers().toArray());
        total++;
      }
      expect("hash of partition " + p, read.digest(), sent[p].digest());
    }
    long consumed = System.nanoTime();
    return Map.of("records", total, "produceMs", (produced - began) / 1_000_000, "consumeMs", (consumed - produced) / 1_000_000);
  }

  static void digest(MessageDigest digest, long offset, byte[] key, byte[] value, Header[] headers) {
    digest.update(bytes(offset + " " + key.length + " " + value.length + " " + headers.length + " "));
    digest.update(key);
    digest.update(value);
    for (Header header : headers) {
      digest.update(bytes(header.key() + "="));
      digest.update(header.value() == null ? bytes("null") : header.value());
    }
  }

  static Map<String, Object> acks() throws Exception {
    for (String acks : List.of("0", "1", "all")) {
      String topic = create("java.acks-" + acks);
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      for (int i = 0; i < 1000; i++) records.add(record(topic, "k" + i, "v" + i));
      List<RecordMetadata> done = produce(records, "acks", acks, "enable.idempotence", false);
      for (int i = 0; i < 1000; i++) expect("acks=" + acks + " offset", done.get(i).offset(), acks.equals("0") ? -1L : (long) i);
      expectSame("acks=" + acks, consume(topic, 0, 0, 1000), records);
    }
    return Map.of("records", 3000);
  }

  static Map<String, Object> offsets() throws Exception {
    String topic = create("java.offsets");
    TopicPartition at = new TopicPartition(topic, 0);
    try (KafkaProducer<byte[], byte[]> producer = newProducer("linger.ms", 0)) {
      for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(topic, 0, BASE_TIME + i * 1000L, null, bytes("" + i))).get();
      // One batch of three, whose largest time is in the middle: lookups must look inside it.
      producer.flush();
    }
    produce(
        List.of(
            new ProducerRecord<>(topic, 0, BASE_TIME + 30_000, null, bytes("20")),
            new ProducerRecord<>(topic, 0, BASE_TIME + 50_000, null, bytes("21")),
            new ProducerRecord<>(topic, 0, BASE_TIME + 40_000, null, bytes("22"))),
        "linger.ms", 200, "compression.type", "zstd");
    try (Admin admin = newAdmin()) {
      Map<String, OffsetSpec> specs = new TreeMap<>();
      specs.put("earliest", OffsetSpec.earliest());
      specs.put("latest", OffsetSpec.latest());
      specs.put("max timestamp", OffsetSpec.maxTimestamp());
      specs.put("earliest local", OffsetSpec.earliestLocal());
      specs.put("latest tiered", OffsetSpec.latestTiered());
      specs.put("earliest pending upload", OffsetSpec.earliestPendingUpload());
      specs.put("time 5500", OffsetSpec.forTimestamp(BASE_TIME + 5500));
      specs.put("time 45000", OffsetSpec.forTimestamp(BASE_TIME + 45_000));
      specs.put("time 99999", OffsetSpec.forTimestamp(BASE_TIME + 99_999));
      Map<String, Long> found = new TreeMap<>();
      for (Map.Entry<String, OffsetSpec> spec : specs.entrySet()) {
        found.put(spec.getKey(), admin.listOffsets(Map.of(at, spec.getValue())).partitionResult(at).get().offset());
      }
      Map<String, Long> wanted = new TreeMap<>();
      wanted.put("earliest", 0L);
      wanted.put("latest", 23L);
      wanted.put("max timestamp", 21L);
      wanted.put("earliest local", 0L);
      wanted.put("latest tiered", -1L);
      wanted.put("earliest pending upload", -1L);
      wanted.put("time 5500", 6L);
      wanted.put("time 45000", 21L);
      wanted.put("time 99999", -1L);
      expect("offsets", found, wanted);
      expect("time of the latest", admin.listOffsets(Map.of(at, OffsetSpec.maxTimestamp())).partitionResult(at).get().timestamp(), BASE_TIME + 50_000);
    }
    try (KafkaConsumer<byte[], byte[]> consumer = newConsumer()) {
      consumer.assign(List.of(at));
      expect("beginning", consumer.beginningOffsets(List.of(at)).get(at), 0L);
      expect("end", consumer.endOffsets(List.of(at)).get(at), 23L);
      OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(at, BASE_TIME + 5500)).get(at);
      expect("offset for time", found, new OffsetAndTimestamp(6, BASE_TIME + 6000, Optional.of(0)));
      expect("no offset for the future", consumer.offsetsForTimes(Map.of(at, BASE_TIME + 99_999)).get(at), null);
      consumer.seek(at, 500);
      expectError("beyond the end", OffsetOutOfRangeException.class, () -> consumer.poll(Duration.ofSeconds(10)));
      expect("lag", consumer.endOffsets(List.of(at)).get(at), 23L);
    }
    List<Long> middle = consume(topic, 0, 21, 2).stream().map(ConsumerRecord::offset).toList();
    expect("from the middle of a batch", middle, List.of(21L, 22L));
    expect("reset to earliest", consume(topic, 0, 500, 23, "auto.offset.reset", "earliest").get(0).offset(), 0L);
    return Map.of("records", 23);
  }

  /** What only the producer sees: its id, refused records, a lost topic. */
  static Map<String, Object> producer() throws Exception {
    String topic = create("java.producer");
    TopicPartition at = new TopicPartition(topic, 0);
    try (Admin admin = newAdmin();
        KafkaProducer<byte[], byte[]> first = newProducer("linger.ms", 0);
        KafkaProducer<byte[], byte[]> second = newProducer("linger.ms", 0)) {
      for (int i = 0; i < 7; i++) first.send(record(topic, null, "first " + i)).get();
      for (int i = 0; i < 3; i++) second.send(record(topic, null, "second " + i)).get();
      Collection<ProducerState> states = admin.describeProducers(List.of(at)).partitionResult(at).get().activeProducers();
      Set<Integer> sequences = new TreeSet<>();
      Set<Long> ids = new TreeSet<>();
      for (ProducerState state : states) {
        sequences.add(state.lastSequence());
        ids.add(state.producerId());
        expect("epoch", state.producerEpoch(), 0);
        expect("no transaction", state.currentTransactionStartOffset().isPresent(), false);
      }
      expect("last sequences", sequences, Set.of(2, 6));
      expect("two producer ids", ids.size(), 2);

      String compacted = create("java.producer-compacted", 1, Map.of("cleanup.policy", "compact"));
      expectError("null key on a compacted topic", InvalidRecordException.class, () -> first.send(record(compacted, null, "v")).get());
      expect("with a key", first.send(record(compacted, "k", "v")).get().offset(), 0L);
      long tomorrow = System.currentTimeMillis() + 86_400_000L;
      expectError("a time too far ahead", InvalidTimestampException.class, () -> first.send(new ProducerRecord<>(topic, 0, tomorrow, null, bytes("v"))).get());

      String stamped = create("java.producer-log-append-time", 1, Map.of("message.timestamp.type", "LogAppendTime"));
      long before = System.currentTimeMillis();
      RecordMetadata done = first.send(new ProducerRecord<>(stamped, 0, BASE_TIME, null, bytes("v"))).get();
      long after = System.currentTimeMillis();
      expect("the broker's time in the answer", before <= done.timestamp() && done.timestamp() <= after, true);
      ConsumerRecord<byte[], byte[]> read = consume(stamped, 0, 0, 1).get(0);
      expect("and in the record", read.timestamp(), done.timestamp());
      expect("and its type", read.timestampType().name, "LogAppendTime");

      String recompressed = create("java.producer-recompressed", 1, Map.of("compression.type", "zstd"));
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      for (int i = 0; i < 200; i++) records.add(record(recompressed, "k" + i, "some words ".repeat(20)));
      produce(records, "compression.type", "gzip", "linger.ms", 100);
      expectSame("recompressed", consume(recompressed, 0, 0, 200), records);

      // A deleted and remade topic has a new id; the producer learns it and goes on.
      admin.deleteTopics(List.of(topic)).all().get();
      waitUntil("topic gone", () -> !admin.listTopics().names().get().contains(topic));
      create(topic);
      expect("in its second life", second.send(record(topic, null, "again")).get().offset(), 0L);
    }
    return Map.of("producers", 2);
  }

  static Map<String, Object> admin() throws Exception {
    String topic = "java.admin";
    try (Admin admin = newAdmin()) {
      List<Node> nodes = List.copyOf(admin.describeCluster().nodes().get());
      expect("one broker", nodes.size(), 1);
      Node node = nodes.get(0);
      expect("controller", admin.describeCluster().controller().get(), node);
      expect("cluster id", Uuid.fromString(admin.describeCluster().clusterId().get()).toString().length(), 22);
      expect("address", node.host() + ":" + node.port(), bootstrap);

      NewTopic wanted = new NewTopic(topic, Optional.of(3), Optional.empty()).configs(Map.of("retention.ms", "86400000"));
      CreateTopicsResult dry = admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(true));
      expect("validate only: partitions", dry.numPartitions(topic).get(), 3);
      expect("validate only makes nothing", admin.listTopics().names().get().contains(topic), false);
      CreateTopicsResult made = admin.createTopics(List.of(wanted));
      expect("partitions", made.numPartitions(topic).get(), 3);
      expect("default replication", made.replicationFactor(topic).get(), 1);
      expect("retention in the answer", made.config(topic).get().get("retention.ms").value(), "86400000");
      expect("source in the answer", made.config(topic).get().get("retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
      expect("all configs in the answer", made.config(topic).get().entries().size() >= 30, true);
      Uuid id = made.topicId(topic).get();
      waitUntil("leaders", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream().allMatch(p -> node.equals(p.leader())));
      TopicDescription described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
      expect("topic id", described.topicId(), id);
      expect("by id", admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name(), topic);
      expect("partitions described", described.partitions().stream().map(p -> p.partition() + " " + p.replicas() + " " + p.isr()).toList(),
          IntStream.range(0, 3).mapToObj(p -> p + " " + List.of(node) + " " + List.of(node)).toList());
      expect("not internal", described.isInternal(), false);

      expectError("created twice", TopicExistsException.class, () -> admin.createTopics(List.of(wanted)).all().get());
      expectCreateError(admin, "a bad name", InvalidTopicException.class, new NewTopic("no spaces", 1, (short) 1));
      expectCreateError(admin, "a name too long", InvalidTopicException.class, new NewTopic("x".repeat(250), 1, (short) 1));
      expectCreateError(admin, "a colliding name", InvalidTopicException.class, new NewTopic("java_admin", 1, (short) 1));
      expectCreateError(admin, "no partitions", InvalidPartitionsException.class, new NewTopic("java.none", 0, (short) 1));
      expectCreateError(admin, "replication 2", InvalidReplicationFactorException.class, new NewTopic("java.none", 1, (short) 2));
      expectCreateError(admin, "an absent broker", InvalidReplicaAssignmentException.class, new NewTopic("java.none", Map.of(0, List.of(77))));
      expectCreateError(admin, "a gap in the assignment", InvalidReplicaAssignmentException.class, new NewTopic("java.none", Map.of(1, List.of(node.id()))));
      expectCreateError(admin, "an unknown config", InvalidConfigurationException.class, new NewTopic("java.none", 1, (short) 1).configs(Map.of("no.such", "1")));
      expectCreateError(admin, "a bad value", InvalidConfigurationException.class, new NewTopic("java.none", 1, (short) 1).configs(Map.of("segment.bytes", "1")));
      admin.createTopics(List.of(new NewTopic("java.assigned", Map.of(0, List.of(node.id()), 1, List.of(node.id()))))).all().get();

      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
      waitUntil("five partitions", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 5);
      expectError("fewer partitions", InvalidPartitionsException.class, () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get());
      expectError("partitions of nothing", UnknownTopicOrPartitionException.class, () -> admin.createPartitions(Map.of("java.absent", NewPartitions.increaseTo(4))).all().get());

      adminConfigs(admin, topic, node);
      adminRecords(admin, topic, node);

      expect("no reassignments", admin.listPartitionReassignments().reassignments().get(), Map.of());
      expectError("an absent topic", UnknownTopicOrPartitionException.class, () -> admin.describeTopics(List.of("java.absent")).allTopicNames().get());
      expectError("an absent id", UnknownTopicIdException.class, () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).all().get());
      admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
      waitUntil("deleted by id", () -> !admin.listTopics().names().get().contains(topic));
      expectError("deleted twice", UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(topic)).all().get());
      admin.deleteTopics(List.of("java.assigned")).all().get();
    }
    return Map.of("brokers", 1);
  }

  static void expectCreateError(Admin admin, String what, Class<?> wanted, NewTopic topic) throws Exception {
    expectError(what, wanted, () -> admin.createTopics(List.of(topic)).all().get());
  }

  static void adminConfigs(Admin admin, String topic, Node node) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Callable<Config> describe = () -> admin.describeConfigs(List.of(resource)).all().get().get(resource);
    ConfigEntry retention = describe.call().get("retention.ms");
    expect("retention", retention.value() + " " + retention.source(), "86400000 DYNAMIC_TOPIC_CONFIG");
    expect("type", describe.call().get("retention.ms").type(), ConfigEntry.ConfigType.LONG);
    expect("default", describe.call().get("max.message.bytes").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
    alter(admin, resource, AlterConfigOp.OpType.SET, "cleanup.policy", "compact");
    alter(admin, resource, AlterConfigOp.OpType.APPEND, "cleanup.policy", "delete");
    waitUntil("appended", () -> describe.call().get("cleanup.policy").value().equals("compact,delete"));
    alter(admin, resource, AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "compact");
    waitUntil("subtracted", () -> describe.call().get("cleanup.policy").value().equals("delete"));
    alter(admin, resource, AlterConfigOp.OpType.DELETE, "retention.ms", null);
    waitUntil("back to the default", () -> describe.call().get("retention.ms").value().equals("604800000"));
    expectError("a bad value", InvalidConfigurationException.class, () -> { alter(admin, resource, AlterConfigOp.OpType.SET, "retention.ms", "soon"); return null; });
    expectError("append to a number", InvalidConfigurationException.class, () -> { alter(admin, resource, AlterConfigOp.OpType.APPEND, "retention.ms", "1"); return null; });
    expectError("configs of nothing", UnknownTopicOrPartitionException.class, () -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, "java.absent"))).all().get());

    ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, node.idString());
    Config configs = admin.describeConfigs(List.of(broker)).all().get().get(broker);
    expect("listeners are static", configs.get("listeners").source(), ConfigEntry.ConfigSource.STATIC_BROKER_CONFIG);
    expect("node.id", configs.get("node.id").value(), node.idString());
    for (String key : List.of("log.dirs", "advertised.listeners", "num.partitions", "default.replication.factor", "message.max.bytes",
        "log.retention.hours", "log.retention.ms", "log.cleanup.policy", "auto.create.topics.enable", "socket.request.max.bytes",
        "max.connections.per.ip", "connections.max.idle.ms", "min.insync.replicas", "compression.type", "delete.topic.enable")) {
      expect("broker key " + key, configs.get(key) != null, true);
    }
    expect("broker keys", configs.entries().size() > 60, true);
    // A broker's dynamic default becomes every topic's, with the chain of synonyms.
    alter(admin, broker, AlterConfigOp.OpType.SET, "log.retention.ms", "123456789");
    waitUntil("topics follow the broker", () -> describe.call().get("retention.ms").value().equals("123456789"));
    expect("and say so", describe.call().get("retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
    alter(admin, broker, AlterConfigOp.OpType.DELETE, "log.retention.ms", null);
    waitUntil("and back", () -> describe.call().get("retention.ms").value().equals("604800000"));
  }

  static void alter(Admin admin, ConfigResource resource, AlterConfigOp.OpType type, String key, String value) throws Exception {
    admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), type)))).all().get();
  }

  static void adminRecords(Admin admin, String topic, Node node) throws Exception {
    TopicPartition at = new TopicPartition(topic, 0);
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 50; i++) records.add(record(topic, "k", "v" + i));
    produce(records);
    expect("low watermark", admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(20))).lowWatermarks().get(at).get().lowWatermark(), 20L);
    expect("earliest", admin.listOffsets(Map.of(at, OffsetSpec.earliest())).partitionResult(at).get().offset(), 20L);
    expect("what is left", consume(topic, 0, 20, 30).get(0).offset(), 20L);
    expectError("what is gone", OffsetOutOfRangeException.class, () -> consume(topic, 0, 19, 31));
    expectError("beyond the end", org.apache.kafka.common.errors.OffsetOutOfRangeException.class, () -> admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(51))).all().get());
    long size = admin.describeLogDirs(List.of(node.id())).allDescriptions().get().get(node.id()).values().iterator().next().replicaInfos().get(at).size();
    expect("bytes of the replica", size > 50 && size < 50_000, true);
  }

  /** Prints `flowing` when the broker shall be restarted and waits for a line on standard input. */
  static Map<String, Object> restart() throws Exception {
    String topic = create("java.restart");
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    int during;
    try (KafkaProducer<byte[], byte[]> producer = newProducer("max.in.flight.requests.per.connection", 5, "enable.idempotence", true)) {
      for (int i = 0; i < 2000; i++) sent.add(producer.send(next(topic, records)));
      producer.flush();
      System.out.println("flowing");
      while (System.in.available() == 0) {
        sent.add(producer.send(next(topic, records)));
        Thread.sleep(1);
      }
      during = records.size() - 2000;
      for (int i = 0; i < 2000; i++) sent.add(producer.send(next(topic, records)));
    }
    for (int i = 0; i < sent.size(); i++) expect("offset of record " + i, sent.get(i).get().offset(), (long) i);
    expectSame("after the restart", consume(topic, 0, 0, records.size()), records);
    return Map.of("records", records.size(), "during", during);
  }

  static ProducerRecord<byte[], byte[]> next(String topic, List<ProducerRecord<byte[], byte[]>> records) {
    records.add(record(topic, "" + records.size(), "value of " + records.size()));
    return records.get(records.size() - 1);
  }
}
