"""A consumer that is assigned its partitions and commits all the same, without being a member of its group.

Run as: plain_reader.py CLIENT BOOTSTRAP GROUP TOPIC PARTITIONS COUNT. Goes on where the group stands, reads COUNT records of
each partition, commits, and prints {partition: [from, to]} as JSON; or {"error": code} when the commit is refused, with the
client's word where it keeps the code for itself.
"""

import asyncio
import json
import sys

client, bootstrap, group, topic, partitions, count = sys.argv[1:]
partitions, count = int(partitions), int(count)
SECONDS = 60


def tell(read):
    print(json.dumps({str(partition): [offsets[0], offsets[-1] + 1] for partition, offsets in sorted(read.items())}))


class Reading:
    """Takes offsets until there are enough of each partition."""

    def __init__(self):
        self.read = {partition: [] for partition in range(partitions)}

    def take(self, partition, offset):
        if len(self.read[partition]) < count:
            self.read[partition].append(offset)

    @property
    def is_over(self):
        return all(len(offsets) == count for offsets in self.read.values())

    def next_offsets(self):
        return {partition: offsets[-1] + 1 for partition, offsets in self.read.items()}


def confluent():
    from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition

    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, partition, OFFSET_STORED) for partition in range(partitions)])
    reading = Reading()
    while not reading.is_over:
        message = consumer.poll(SECONDS)
        if message is None:
            raise TimeoutError(f"no record within {SECONDS} s")
        if message.error():
            raise KafkaException(message.error())
        reading.take(message.partition(), message.offset())
    offsets = [TopicPartition(topic, partition, offset) for partition, offset in reading.next_offsets().items()]
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        print(json.dumps({"error": error.args[0].code()}))
    else:
        tell(reading.read)
    consumer.close()


def kafka_python():
    from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
    from kafka.errors import KafkaError

    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
    reading = Reading()
    while not reading.is_over:
        for at, messages in consumer.poll(timeout_ms=SECONDS * 1000).items():
            for message in messages:
                reading.take(at.partition, message.offset)
    offsets = reading.next_offsets().items()
    try:
        consumer.commit({TopicPartition(topic, at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets})
    except KafkaError as error:
        print(json.dumps({"error": getattr(error, "errno", None) or type(error).__name__}))
    else:
        tell(reading.read)
    consumer.close()


async def aiokafka():
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
    reading = Reading()
    while not reading.is_over:
        for at, messages in (await consumer.getmany(timeout_ms=SECONDS * 1000)).items():
            for message in messages:
                reading.take(at.partition, message.offset)
    try:
        await consumer.commit({TopicPartition(topic, at): offset for at, offset in reading.next_offsets().items()})
    except KafkaError as error:
        print(json.dumps({"error": getattr(error, "errno", None) or type(error).__name__}))
    else:
        tell(reading.read)
    await consumer.stop()


if client == "aiokafka":
    asyncio.run(aiokafka())
else:
    {"confluent": confluent, "kafka_python": kafka_python}[client]()
