"""aiokafka, behind the face that checks.py asks for: one event loop, driven from outside."""

import asyncio
import logging
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from records import Record

logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)

NAME = "aiokafka"
CAN_SEND_BOTH_NULL = False
CAN_SEND_NULL_HEADER = True
HIDES_DESCRIBE_ERRORS = False

_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)


def _wait(awaitable):
    return _loop.run_until_complete(awaitable)


def error_code(error):
    return error.errno


class Producer:
    """Sends in order; `results[i]` is (partition, offset) or the error of the i-th record once flushed."""

    def __init__(self, bootstrap, compression="none", acks="all", idempotence=False, linger_ms=5):
        self.results = []

        async def start():
            producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                compression_type=None if compression == "none" else compression,
                acks=acks if acks == "all" else int(acks),
                enable_idempotence=idempotence,
                linger_ms=linger_ms,
                max_request_size=10_000_000,
                request_timeout_ms=60_000,
            )
            await producer.start()
            return producer

        self._producer = _wait(start())
        self._queued = []

    def send(self, record):
        self.results.append(None)
        self._queued.append(record)
        if len(self._queued) >= 1000:
            self._dispatch()

    def _dispatch(self):
        queued, self._queued = self._queued, []

        async def send_all():
            first = len(self.results) - len(queued)
            for number, record in enumerate(queued, first):
                future = await self._producer.send(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
                future.add_done_callback(lambda done, number=number: self._delivered(number, done))

        _wait(send_all())

    def _delivered(self, number, done):
        error = done.exception()
        if error is not None:
            self.results[number] = error
        else:
            metadata = done.result()
            # acks=0 has no answer: the client gives None.
            self.results[number] = (metadata.partition, metadata.offset) if metadata else (None, -1)

    def poll(self, seconds):
        self._dispatch()
        _wait(asyncio.sleep(seconds))

    def flush(self, seconds=90):
        self._dispatch()
        _wait(asyncio.wait_for(self._producer.flush(), seconds))
        # The done callbacks run on the loop's next turn.
        _wait(asyncio.sleep(0))

    def close(self):
        self._dispatch()
        _wait(self._producer.stop())
        _wait(asyncio.sleep(0))


class Reader:
    """A consumer of assigned partitions: no group, no commits."""

    def __init__(self, bootstrap, **settings):
        async def start():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset={"error": "none"}.get(settings.get("reset", "error"), settings.get("reset")),
                check_crcs=True,
                max_partition_fetch_bytes=settings.get("partition_max_bytes", 1_048_576),
            )
            await consumer.start()
            return consumer

        self._consumer = _wait(start())

    def assign(self, topic, starts):
        async def assign():
            self._consumer.assign([TopicPartition(topic, partition) for partition in starts])
            for partition, offset in starts.items():
                if offset is None:
                    await self._consumer.seek_to_beginning(TopicPartition(topic, partition))
                else:
                    self._consumer.seek(TopicPartition(topic, partition), offset)

        _wait(assign())

    def poll(self, seconds):
        """The next few records, or none within the time."""
        found = _wait(self._consumer.getmany(timeout_ms=int(seconds * 1000), max_records=1000))
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
            for messages in found.values()
            for message in messages
        ]

    def offsets(self, topic, partition):
        """(log start offset, high watermark)"""
        at = TopicPartition(topic, partition)
        return _wait(self._consumer.beginning_offsets([at]))[at], _wait(self._consumer.end_offsets([at]))[at]

    def offset_at(self, topic, partition, timestamp):
        """The first offset at or after the time; None when there is none."""
        at = TopicPartition(topic, partition)
        found = _wait(self._consumer.offsets_for_times({at: timestamp}))[at]
        return None if found is None else found.offset

    def close(self):
        _wait(self._consumer.stop())


def _raise(code, message):
    if code:
        raise for_code(code)(message)


class Admin:
    """Its admin has no ListOffsets, and alters configs with AlterConfigs, which replaces them all."""

    def __init__(self, bootstrap):
        async def start():
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            await admin.start()
            return admin

        self._admin = _wait(start())

    def create_topic(self, name, partitions, configs=None, replication=1, validate_only=False):
        topic = NewTopic(name, partitions, replication, topic_configs=configs or {})
        answer = _wait(self._admin.create_topics([topic], validate_only=validate_only))
        for _, code, message in answer.topic_errors:
            _raise(code, message)

    def delete_topic(self, name):
        for _, code in _wait(self._admin.delete_topics([name])).topic_error_codes:
            _raise(code, name)

    def topics(self):
        return sorted(_wait(self._admin.list_topics()))

    def partitions(self, name):
        """{partition: (leader, replicas, isr)}"""
        topic = _wait(self._admin.describe_topics([name]))[0]
        _raise(topic["error_code"], name)
        return {p["partition"]: (p["leader"], list(p["replicas"]), list(p["isr"])) for p in topic["partitions"]}

    def add_partitions(self, name, count):
        _wait(self._admin.create_partitions({name: NewPartitions(count)}))

    def _describe(self, kind, name):
        answer = _wait(self._admin.describe_configs([ConfigResource(kind, name)]))[0]
        code, message, _, _, entries = answer.resources[0]
        _raise(code, message)
        return entries

    def configs(self, name):
        # config_source 5 is the default
        return {
            entry[0]: (entry[1], entry[3] == 5) for entry in self._describe(ConfigResourceType.TOPIC, name)
        }

    def broker_configs(self, node):
        return {entry[0]: entry[1] for entry in self._describe(ConfigResourceType.BROKER, str(node))}

    def _alter(self, name, configs):
        answer = _wait(self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)]))[0]
        for code, message, *_ in answer.resources:
            _raise(code, message)

    def set_config(self, name, key, value):
        kept = {k: v for k, (v, is_default) in self.configs(name).items() if not is_default}
        self._alter(name, {**kept, key: value})

    def unset_config(self, name, key):
        kept = {k: v for k, (v, is_default) in self.configs(name).items() if not is_default}
        kept.pop(key, None)
        self._alter(name, kept)

    def delete_records(self, name, partition, offset):
        """The low watermark after everything before `offset` was deleted."""
        at = TopicPartition(name, partition)
        return _wait(self._admin.delete_records({at: RecordsToDelete(offset)}))[at]

    list_offset = None

    def cluster(self):
        """(cluster id, controller id, sorted broker ids)"""
        found = _wait(self._admin.describe_cluster())
        return (
            found["cluster_id"],
            found["controller_id"],
            sorted(broker["node_id"] for broker in found["brokers"]),
        )

    def close(self):
        _wait(self._admin.close())
