// Reads a number of records from every partition of a topic without a group: partitions are assigned, from the beginning.
// Prints records, bytes of values and seconds from the first record to the last, and from the first poll, as JSON.
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public final class AssignedConsumer {
    public static void main(String[] args) {
        String bootstrapServers = args[0];
        String topic = args[1];
        long wanted = Long.parseLong(args[2]);
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrapServers);
        properties.put("enable.auto.commit", "false");
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        // What kafka-consumer-perf-test uses.
        properties.put("receive.buffer.bytes", String.valueOf(2 * 1024 * 1024));
        properties.put("max.partition.fetch.bytes", String.valueOf(1024 * 1024));
        properties.put("check.crcs", "false");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long records = 0;
            long bytes = 0;
            long firstPoll = System.nanoTime();
            long firstRecord = 0;
            long lastRecord = firstPoll;
            while (records < wanted) {
                var polled = consumer.poll(Duration.ofSeconds(1));
                long now = System.nanoTime();
                if (polled.isEmpty()) {
                    if (now - lastRecord > 20_000_000_000L) {
                        System.err.println("no record for 20 seconds, after " + records + " of " + wanted);
                        System.exit(1);
                    }
                    continue;
                }
                if (firstRecord == 0) {
                    firstRecord = now;
                }
                for (ConsumerRecord<byte[], byte[]> record : polled) {
                    records++;
                    bytes += record.value().length;
                }
                lastRecord = System.nanoTime();
            }
            System.out.printf(
                java.util.Locale.ROOT,
                "{\"records\":%d,\"bytes\":%d,\"seconds\":%.6f,\"secondsFromFirstPoll\":%.6f}%n",
                records, bytes, (lastRecord - firstRecord) / 1e9, (lastRecord - firstPoll) / 1e9);
        }
    }
}
