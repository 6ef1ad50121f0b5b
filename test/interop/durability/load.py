"""Idempotent load that outlives the broker, and the reckoning afterwards. Run as: load.py BOOTSTRAP TOPIC PARTITIONS.

Sends numbered records to every partition, acks=all, and prints `acked N` about every 50 ms. The line `stop` on
standard input ends the load: everything sent must then be acknowledged, and a consumer must find every record
exactly once, in order, with its own bytes, at the offset that was acknowledged. Prints one line of JSON, or fails.
"""

import json
import random
import sys
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
MOST_IN_FLIGHT = 5_000
RECORDS_PER_SECOND = 10_000
SEED = 20_261


def value_of(partition, number):
    return b"%d/%d " % (partition, number) + random.Random(SEED + number).randbytes(number % 700)


sent = [0] * partitions
acknowledged = [{} for _ in range(partitions)]
acks = 0
failures = []

producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 1,
        "message.timeout.ms": 0,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 100,
        "retry.backoff.ms": 50,
        "socket.timeout.ms": 10_000,
        "error_cb": lambda error: failures.append(f"fatal: {error}") if error.fatal() else None,
    }
)


def send(partition):
    number = sent[partition]
    sent[partition] += 1

    def delivered(error, message):
        global acks
        if error is not None:
            failures.append(f"partition {partition}, number {number}: {error}")
            return
        acks += 1
        acknowledged[partition][number] = message.offset()

    producer.produce(topic, value_of(partition, number), b"%d" % number, partition, on_delivery=delivered)


def load(stopped):
    began = reported = time.monotonic()
    while not stopped.is_set() and not failures:
        now = time.monotonic()
        if now - reported > 0.05:
            print(f"acked {acks}", flush=True)
            reported = now
        if sum(sent) - acks >= MOST_IN_FLIGHT or sum(sent) > (now - began) * RECORDS_PER_SECOND:
            producer.poll(0.005)
            continue
        for _ in range(20):
            for partition in range(partitions):
                send(partition)
        producer.poll(0)


def verify(partition):
    """Reads the partition from its start to its end; returns the number of records."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
    assert low == 0, f"partition {partition} starts at {low}"
    assert high == sent[partition], f"partition {partition} ends at {high}, but {sent[partition]} records were sent"
    number = 0
    deadline = time.monotonic() + 120
    while number < high:
        assert time.monotonic() < deadline, f"partition {partition}: read only {number} of {high}"
        first = consumer.poll(1)
        for message in [] if first is None else [first, *consumer.consume(1000, 0)]:
            assert not message.error(), message.error()
            where = f"partition {partition}, offset {message.offset()}"
            assert message.offset() == number, f"{where}: expected offset {number}"
            assert message.key() == b"%d" % number, f"{where}: key {message.key()}, want {number}: lost or doubled"
            assert message.value() == value_of(partition, number), f"{where}: other bytes than sent"
            assert acknowledged[partition][number] == number, (
                f"{where}: was acknowledged at {acknowledged[partition][number]}"
            )
            number += 1
    consumer.close()
    return number


if __name__ == "__main__":
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()
    load(stopped)
    left = producer.flush(60)
    assert not failures, failures[:5]
    assert left == 0, f"{left} records were never acknowledged"
    counts = [verify(partition) for partition in range(partitions)]
    print(json.dumps({"sent": sum(sent), "acknowledged": acks, "found": counts}), flush=True)
