"""kafka-python 3, behind the face that checks.py asks for."""

import logging
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec

from records import Record

# Its own warnings (e.g. a broker that went away) belong to stderr, not into the result.
logging.basicConfig(level=logging.ERROR, stream=sys.stderr)

NAME = "kafka-python"
CAN_SEND_BOTH_NULL = False
CAN_SEND_NULL_HEADER = False
HIDES_DESCRIBE_ERRORS = True


def error_code(error):
    return error.errno


class Producer:
    """Sends in order; `results[i]` is (partition, offset) or the error of the i-th record once flushed."""

    def __init__(self, bootstrap, compression="none", acks="all", idempotence=False, linger_ms=5):
        self.results = []
        self._futures = []
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=None if compression == "none" else compression,
            acks=acks if acks == "all" else int(acks),
            enable_idempotence=idempotence,
            linger_ms=linger_ms,
            max_request_size=10_000_000,
            batch_size=16_384,
            reconnect_backoff_ms=50,
            reconnect_backoff_max_ms=200,
            delivery_timeout_ms=60_000,
        )

    def send(self, record):
        number = len(self.results)
        self.results.append(None)
        future = self._producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            partition=record.partition,
            timestamp_ms=record.timestamp,
        )

        def delivered(metadata):
            self.results[number] = (metadata.partition, metadata.offset)

        def failed(error):
            self.results[number] = error

        future.add_callback(delivered)
        future.add_errback(failed)

    def poll(self, seconds):
        pass

    def flush(self, seconds=90):
        self._producer.flush(seconds)

    def close(self):
        self._producer.close(30)


class Reader:
    """A consumer of assigned partitions: no group, no commits."""

    def __init__(self, bootstrap, **settings):
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset={"error": "none"}.get(settings.get("reset", "error"), settings.get("reset")),
            check_crcs=True,
            max_poll_records=1000,
            max_partition_fetch_bytes=settings.get("partition_max_bytes", 1_048_576),
        )

    def assign(self, topic, starts):
        self._consumer.assign([TopicPartition(topic, partition) for partition in starts])
        for partition, offset in starts.items():
            if offset is None:
                self._consumer.seek_to_beginning(TopicPartition(topic, partition))
            else:
                self._consumer.seek(TopicPartition(topic, partition), offset)

    def poll(self, seconds):
        """The next few records, or none within the time."""
        return [
            Record(
                message.topic,
                message.partition,
                message.key,
                message.value,
                tuple((name, value) for name, value in message.headers),
                message.timestamp,
                message.offset,
            )
            for messages in self._consumer.poll(timeout_ms=int(seconds * 1000)).values()
            for message in messages
        ]

    def offsets(self, topic, partition):
        """(log start offset, high watermark)"""
        at = TopicPartition(topic, partition)
        return self._consumer.beginning_offsets([at])[at], self._consumer.end_offsets([at])[at]

    def offset_at(self, topic, partition, timestamp):
        """The first offset at or after the time; None when there is none."""
        at = TopicPartition(topic, partition)
        found = self._consumer.offsets_for_times({at: timestamp})[at]
        return None if found is None else found.offset

    def close(self):
        self._consumer.close()


class Admin:
    def __init__(self, bootstrap):
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def create_topic(self, name, partitions, configs=None, replication=1, validate_only=False):
        options = {"num_partitions": partitions, "replication_factor": replication, "configs": configs or {}}
        self._admin.create_topics({name: options}, validate_only=validate_only)

    def delete_topic(self, name):
        self._admin.delete_topics([name])

    def topics(self):
        return sorted(self._admin.list_topics())

    def partitions(self, name):
        """{partition: (leader, replicas, isr)}"""
        from kafka import errors

        topic = self._admin.describe_topics([name])[0]
        if topic["error_code"]:
            raise errors.for_code(topic["error_code"])(name)
        return {
            p["partition_index"]: (p["leader_id"], list(p["replica_nodes"]), list(p["isr_nodes"]))
            for p in topic["partitions"]
        }

    def add_partitions(self, name, count):
        self._admin.create_partitions({name: count})

    def _describe(self, kind, name):
        found = self._admin.describe_configs([ConfigResource(kind, name)], config_filter="all")
        return next(iter(found.values()))[name]

    def configs(self, name):
        return {
            key: (entry["value"], entry["config_source"] == "DEFAULT_CONFIG")
            for key, entry in self._describe(ConfigResourceType.TOPIC, name).items()
        }

    def broker_configs(self, node):
        return {key: entry["value"] for key, entry in self._describe(ConfigResourceType.BROKER, str(node)).items()}

    def _alter(self, name, configs):
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs)
        answer = self._admin.alter_configs([resource])["topic"][name]
        if answer != "OK":
            raise RuntimeError(answer)

    def set_config(self, name, key, value):
        self._alter(name, {key: ("SET", value)})

    def unset_config(self, name, key):
        self._alter(name, {key: ("DELETE", None)})

    def delete_records(self, name, partition, offset):
        """The low watermark after everything before `offset` was deleted."""
        at = TopicPartition(name, partition)
        return self._admin.delete_records({at: offset})[at]["low_watermark"]

    def list_offset(self, name, partition, which):
        """`which`: earliest, latest or max_timestamp."""
        at = TopicPartition(name, partition)
        spec = {
            "earliest": OffsetSpec.EARLIEST,
            "latest": OffsetSpec.LATEST,
            "max_timestamp": OffsetSpec.MAX_TIMESTAMP,
        }[which]
        return self._admin.list_partition_offsets({at: spec})[at].offset

    def cluster(self):
        """(cluster id, controller id, sorted broker ids)"""
        found = self._admin.describe_cluster()
        return (
            found["cluster_id"],
            found["controller_id"],
            sorted(broker["broker_id"] for broker in found["brokers"]),
        )

    def close(self):
        self._admin.close()
