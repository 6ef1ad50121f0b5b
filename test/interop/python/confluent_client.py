"""librdkafka through confluent-kafka, behind the face that checks.py asks for."""

from confluent_kafka import Consumer, KafkaException, Producer as RdProducer, TopicPartition
from confluent_kafka import OFFSET_BEGINNING
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from records import Record

NAME = "confluent-kafka"
CAN_SEND_BOTH_NULL = True
CAN_SEND_NULL_HEADER = True
HIDES_DESCRIBE_ERRORS = False


def error_code(error):
    """The Kafka error code inside whatever the client raised."""
    if isinstance(error, KafkaException):
        error = error.args[0]
    return error.code()


class Producer:
    """Sends in order; `results[i]` is (partition, offset) or the error of the i-th record once flushed."""

    def __init__(self, bootstrap, compression="none", acks="all", idempotence=False, linger_ms=5):
        self.results = []
        self._producer = RdProducer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": compression,
                "acks": acks,
                "enable.idempotence": idempotence,
                "linger.ms": linger_ms,
                "message.max.bytes": 10_000_000,
                "queue.buffering.max.messages": 200_000,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 200,
                "message.timeout.ms": 60_000,
            }
        )

    def send(self, record):
        number = len(self.results)
        self.results.append(None)

        def delivered(error, message):
            self.results[number] = error if error else (message.partition(), message.offset())

        arguments = {"partition": record.partition, "headers": list(record.headers), "on_delivery": delivered}
        if record.timestamp is not None:
            arguments["timestamp"] = record.timestamp
        while True:
            try:
                self._producer.produce(record.topic, value=record.value, key=record.key, **arguments)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def poll(self, seconds):
        self._producer.poll(seconds)

    def flush(self, seconds=90):
        left = self._producer.flush(seconds)
        if left:
            raise TimeoutError(f"{left} records were not acknowledged in {seconds} s")

    def close(self):
        self.flush()


class Reader:
    """A consumer of assigned partitions: no group, no commits."""

    def __init__(self, bootstrap, **settings):
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                # The binding insists on a group id; with assign() and explicit offsets it names nothing.
                "group.id": "assigned-only",
                "enable.auto.commit": False,
                "enable.partition.eof": False,
                "auto.offset.reset": settings.get("reset", "error"),
                "check.crcs": True,
                "fetch.message.max.bytes": settings.get("partition_max_bytes", 1_048_576),
            }
        )

    def assign(self, topic, starts):
        self._consumer.assign(
            [
                TopicPartition(topic, partition, OFFSET_BEGINNING if offset is None else offset)
                for partition, offset in starts.items()
            ]
        )

    def poll(self, seconds):
        """The next few records, or none within the time."""
        # consume() waits for all it was asked for, so the first comes by poll() and the rest without waiting.
        first = self._consumer.poll(seconds)
        records = []
        for message in [] if first is None else [first, *self._consumer.consume(1000, 0)]:
            if message.error():
                raise KafkaException(message.error())
            records.append(
                Record(
                    message.topic(),
                    message.partition(),
                    message.key(),
                    message.value(),
                    tuple((name, value) for name, value in message.headers() or ()),
                    message.timestamp()[1],
                    message.offset(),
                )
            )
        return records

    def offsets(self, topic, partition):
        """(log start offset, high watermark)"""
        return self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=15)

    def offset_at(self, topic, partition, timestamp):
        """The first offset at or after the time; None when there is none."""
        found = self._consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], timeout=15)[0]
        return None if found.offset < 0 else found.offset

    def close(self):
        self._consumer.close()


def _result(futures):
    return {key: future.result(30) for key, future in futures.items()}


class Admin:
    def __init__(self, bootstrap):
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def create_topic(self, name, partitions, configs=None, replication=1, validate_only=False):
        topic = NewTopic(name, num_partitions=partitions, replication_factor=replication, config=configs or {})
        _result(self._admin.create_topics([topic], validate_only=validate_only))

    def delete_topic(self, name):
        _result(self._admin.delete_topics([name]))

    def topics(self):
        return sorted(self._admin.list_topics(timeout=15).topics)

    def partitions(self, name):
        """{partition: (leader, replicas, isr)}"""
        topic = self._admin.list_topics(topic=name, timeout=15).topics[name]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return {p.id: (p.leader, list(p.replicas), list(p.isrs)) for p in topic.partitions.values()}

    def add_partitions(self, name, count):
        _result(self._admin.create_partitions([NewPartitions(name, count)]))

    def configs(self, name):
        resource = ConfigResource(ResourceType.TOPIC, name)
        entries = _result(self._admin.describe_configs([resource]))[resource]
        return {entry.name: (entry.value, entry.is_default) for entry in entries.values()}

    def broker_configs(self, node):
        resource = ConfigResource(ResourceType.BROKER, str(node))
        return {e.name: e.value for e in _result(self._admin.describe_configs([resource]))[resource].values()}

    def set_config(self, name, key, value):
        entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        _result(
            self._admin.incremental_alter_configs(
                [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])]
            )
        )

    def unset_config(self, name, key):
        entry = ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
        _result(
            self._admin.incremental_alter_configs(
                [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])]
            )
        )

    def delete_records(self, name, partition, offset):
        """The low watermark after everything before `offset` was deleted."""
        found = _result(self._admin.delete_records([TopicPartition(name, partition, offset)]))
        return next(iter(found.values())).low_watermark

    def list_offset(self, name, partition, which):
        """`which`: earliest, latest or max_timestamp."""
        spec = {
            "earliest": OffsetSpec.earliest,
            "latest": OffsetSpec.latest,
            "max_timestamp": OffsetSpec.max_timestamp,
        }[which]()
        found = _result(self._admin.list_offsets({TopicPartition(name, partition): spec}))
        return next(iter(found.values())).offset

    def cluster(self):
        """(cluster id, controller id, sorted broker ids)"""
        found = self._admin.describe_cluster().result(30)
        return found.cluster_id, found.controller.id, sorted(node.id for node in found.nodes)

    def close(self):
        pass
