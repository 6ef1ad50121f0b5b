"""What every Python client is put through. Run as: checks.py CLIENT CHECK BOOTSTRAP.

Each check raises with a readable message if the broker differs from Apache Kafka 4.3, and otherwise prints
one line of JSON: what it counted, for the test that started it. Consumers use assigned partitions only.
"""

import hashlib
import importlib
import json
import sys
import threading
import time

import records
from records import BASE_TIME, Record

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
MAX_MESSAGE_BYTES = 1_048_588
# Batch header 61, then per record: length 3, attributes, timestamp delta and offset delta 3, null key 1,
# value length 3, header count 1 (records.md of the format: varints of this size take three bytes).
LARGEST_VALUE = MAX_MESSAGE_BYTES - 61 - 11

client = None
bootstrap = None


def expect(what, actual, wanted):
    if actual != wanted:
        raise AssertionError(f"{what}: got {str(actual)[:2000]}, want {str(wanted)[:2000]}")


def expect_error(what, code, action):
    try:
        answer = action()
    except Exception as error:  # noqa: BLE001 - whatever the client raises must carry the code
        expect(f"{what}: error code of {error!r}", client.error_code(error), code)
        return
    raise AssertionError(f"{what}: succeeded with {answer!r}, want error {code}")


def topic_name(check):
    return f"{client.NAME}.{check}"


def create(name, partitions=1, configs=None):
    """Makes a topic and waits until its leaders are known."""
    admin = client.Admin(bootstrap)
    admin.create_topic(name, partitions, configs)
    deadline = time.monotonic() + 30
    while True:
        try:
            if len([p for p in admin.partitions(name).values() if p[0] >= 0]) == partitions:
                break
        except Exception:  # noqa: BLE001 - not known yet
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
    admin.close()
    return name


def produce(sent, **settings):
    """Sends all; returns them with the offsets they were acknowledged at, in sending order."""
    producer = client.Producer(bootstrap, **settings)
    sent = list(sent)
    for record in sent:
        producer.send(record)
    producer.flush()
    results = producer.results
    producer.close()
    return acknowledged(sent, results)


def acknowledged(sent, results):
    done = []
    for record, result in zip(sent, results, strict=True):
        if not isinstance(result, tuple):
            raise AssertionError(f"record {record.key!r} was not acknowledged: {result!r}")
        expect("partition", result[0], record.partition)
        done.append(record.at(result[1]))
    return done


def consume(topic, counts, starts=None, seconds=60, **settings):
    """Reads `counts[partition]` records of each partition; fails if fewer come in time or more follow."""
    reader = client.Reader(bootstrap, **settings)
    reader.assign(topic, starts or {partition: None for partition in counts})
    found = {partition: [] for partition in counts}
    deadline = time.monotonic() + seconds
    while any(len(found[p]) < counts[p] for p in counts):
        if time.monotonic() > deadline:
            have = {p: len(found[p]) for p in found}
            raise AssertionError(f"read {have} of {counts} records within {seconds} s")
        for record in reader.poll(1):
            found[record.partition].append(record)
    for record in reader.poll(0.3):
        found[record.partition].append(record)
    reader.close()
    expect("records per partition", {p: len(found[p]) for p in found}, counts)
    return found


def by_partition(sent):
    split = {}
    for record in sent:
        split.setdefault(record.partition, []).append(record)
    return split


def expect_same(what, read, sent, timestamps=False):
    """Record by record, so that the first difference is named."""
    for got, want in zip(read, sent, strict=True):
        expect(f"{what}: offset", got.offset, want.offset)
        for part in ("partition", "key", "value", "headers") + (("timestamp",) if timestamps else ()):
            expect(f"{what}: {part} at offset {want.offset}", getattr(got, part), getattr(want, part))


def check_codecs():
    """Every codec: what was sent is read back, and (checked by the caller) lies compressed on disk."""
    counts = {}
    for codec in CODECS:
        topic = create(topic_name(f"codec-{codec}"))
        sent = produce(records.compressible(topic), compression=codec, linger_ms=100)
        expect(f"{codec}: offsets", [record.offset for record in sent], list(range(500)))
        expect_same(codec, consume(topic, {0: 500})[0], sent, timestamps=True)
        counts[codec] = len(sent)
    return counts


def check_shapes():
    """Null and empty keys and values, headers of every kind, through every codec."""
    total = 0
    for codec in CODECS:
        topic = create(topic_name(f"shapes-{codec}"))
        shapes = records.peculiar(
            topic, both_null=client.CAN_SEND_BOTH_NULL, null_header=client.CAN_SEND_NULL_HEADER
        )
        sent = produce(shapes, compression=codec)
        expect_same(codec, consume(topic, {0: len(sent)})[0], sent, timestamps=True)
        total += len(sent)
    return {"records": total}


def check_size():
    """A batch of exactly max.message.bytes passes; one byte more is MESSAGE_TOO_LARGE, and harms nothing."""
    topic = create(topic_name("size"))
    value = bytes(range(256)) * (LARGEST_VALUE // 256 + 1)
    largest = Record(topic, 0, None, value[:LARGEST_VALUE], (), BASE_TIME)
    sent = produce([largest])
    expect("offset of the largest", sent[0].offset, 0)
    producer = client.Producer(bootstrap)
    producer.send(Record(topic, 0, None, value[: LARGEST_VALUE + 1], (), BASE_TIME))
    producer.flush()
    result = producer.results[0]
    if isinstance(result, tuple):
        raise AssertionError(f"a batch above max.message.bytes was acknowledged at {result}")
    expect(f"code of {result!r}", client.error_code(result), 10)
    producer.send(Record(topic, 0, b"after", b"still works"))
    producer.flush()
    expect("the same producer goes on", producer.results[1], (0, 1))
    producer.close()
    read = consume(topic, {0: 2})[0]
    expect("bytes of the largest", hashlib.sha256(read[0].value).digest(), hashlib.sha256(largest.value).digest())
    expect("value after it", read[1].value, b"still works")
    # A fetch limit below the batch still brings it (KIP-74).
    read = consume(topic, {0: 2}, partition_max_bytes=1000)[0]
    expect("length through a small fetch", len(read[0].value), LARGEST_VALUE)
    # The topic's own limit counts, and counts compressed bytes.
    small = create(topic_name("size-small"), configs={"max.message.bytes": "2000"})
    producer = client.Producer(bootstrap)
    producer.send(Record(small, 0, None, b"x" * 3000))
    producer.flush()
    expect("code on the small topic", client.error_code(producer.results[0]), 10)
    producer.close()
    expect("compressed it fits", produce([Record(small, 0, None, b"x" * 3000)], compression="gzip")[0].offset, 0)
    return {"largest": LARGEST_VALUE}


def check_bulk(count=100_000, partitions=3):
    """100,000 records come back byte for byte, in order, at the offsets that were acknowledged."""
    topic = create(topic_name("bulk"), partitions)
    started = time.monotonic()
    sent = by_partition(produce(records.bulk(topic, partitions, count), idempotence=True))
    produced = time.monotonic()
    for partition, part in sent.items():
        expect(f"offsets of {partition}", [record.offset for record in part], list(range(len(part))))
    read = consume(topic, {partition: len(part) for partition, part in sent.items()}, seconds=120)
    consumed = time.monotonic()
    for partition, part in sent.items():
        expect(f"hash of partition {partition}", records.digest(read[partition]), records.digest(part))
    return {
        "records": sum(len(part) for part in read.values()),
        "produceMs": round((produced - started) * 1000),
        "consumeMs": round((consumed - produced) * 1000),
    }


def check_acks():
    """acks 0, 1 and all: everything arrives once, in order; only acks=0 learns no offset."""
    for acks in ("0", "1", "all"):
        topic = create(topic_name(f"acks-{acks}"))
        producer = client.Producer(bootstrap, acks=acks)
        sent = [Record(topic, 0, b"k%d" % n, b"v%d" % n) for n in range(1000)]
        for record in sent:
            producer.send(record)
        producer.flush()
        if acks != "0":
            expect("offsets", [result[1] for result in producer.results], list(range(1000)))
        producer.close()
        sent = [record.at(offset) for offset, record in enumerate(sent)]
        expect_same(f"acks={acks}", consume(topic, {0: 1000})[0], sent)
    return {"records": 3000}


def check_offsets():
    """Watermarks, offsets by time, starting in the middle, and what happens beyond the ends."""
    topic = create(topic_name("offsets"))
    base = BASE_TIME
    # Each in its own batch, so that a lookup by time has something to find.
    producer = client.Producer(bootstrap, linger_ms=0)
    for number in range(20):
        producer.send(Record(topic, 0, None, b"%d" % number, (), base + number * 1000))
        producer.flush()
    producer.close()
    reader = client.Reader(bootstrap)
    expect("watermarks", tuple(reader.offsets(topic, 0)), (0, 20))
    expect("exact time", reader.offset_at(topic, 0, base + 5000), 5)
    expect("between two", reader.offset_at(topic, 0, base + 5001), 6)
    expect("before all", reader.offset_at(topic, 0, base - 1), 0)
    expect("after all", reader.offset_at(topic, 0, base + 19_001) in (None, 20), True)
    reader.close()
    expect("from 17", [r.offset for r in consume(topic, {0: 3}, {0: 17})[0]], [17, 18, 19])
    expect("reset to earliest", len(consume(topic, {0: 20}, {0: 500}, reset="earliest")[0]), 20)
    reader = client.Reader(bootstrap, reset="latest")
    reader.assign(topic, {0: 20})
    expect("at the end", reader.poll(0.3), [])
    produce([Record(topic, 0, None, b"late")])
    deadline = time.monotonic() + 15
    late = []
    while not late and time.monotonic() < deadline:
        late = reader.poll(1)
    reader.close()
    expect("what came while waiting", [(r.offset, r.value) for r in late], [(20, b"late")])
    return {"records": 21}


def check_auto_create():
    """Producing to a topic that nobody made makes it, with the broker's default of one partition."""
    topic = topic_name("auto-created")
    sent = produce([Record(topic, 0, b"k", b"v")])
    expect("offset", sent[0].offset, 0)
    admin = client.Admin(bootstrap)
    expect("partitions", sorted(admin.partitions(topic)), [0])
    admin.close()
    expect("value", consume(topic, {0: 1})[0][0].value, b"v")
    return {"records": 1}


def check_admin():
    """Topics, partitions, configs, records: made, changed, described, deleted, with Kafka's error codes."""
    admin = client.Admin(bootstrap)
    topic = topic_name("admin")
    cluster_id, controller, brokers = admin.cluster()
    expect("cluster id length", len(cluster_id), 22)
    expect("one broker, which is the controller", brokers, [controller])
    node = brokers[0]

    admin.create_topic(topic, 3, validate_only=True)
    expect("validate only makes nothing", topic in admin.topics(), False)
    admin.create_topic(topic, 3, {"cleanup.policy": "compact", "max.message.bytes": "100000"})
    wait_until("topic listed", lambda: topic in admin.topics())
    wait_until("three leaders", lambda: admin.partitions(topic) == {p: (node, [node], [node]) for p in range(3)})
    expect_error("created twice", 36, lambda: admin.create_topic(topic, 3))
    expect_error("bad name", 17, lambda: admin.create_topic("no spaces allowed", 1))
    expect_error("no partitions", 37, lambda: admin.create_topic(topic + ".none", 0))
    expect_error("replication 3", 38, lambda: admin.create_topic(topic + ".replicated", 1, replication=3))
    expect_error("unknown config", 40, lambda: admin.create_topic(topic + ".config", 1, {"no.such": "1"}))
    expect_error("bad value", 40, lambda: admin.create_topic(topic + ".config", 1, {"retention.ms": "soon"}))

    admin.add_partitions(topic, 5)
    wait_until("five leaders", lambda: sorted(admin.partitions(topic)) == [0, 1, 2, 3, 4])
    expect_error("fewer partitions", 37, lambda: admin.add_partitions(topic, 4))
    expect_error("partitions of nothing", 3, lambda: admin.add_partitions(topic + ".absent", 4))

    configs = admin.configs(topic)
    expect("cleanup.policy", configs["cleanup.policy"], ("compact", False))
    expect("max.message.bytes", configs["max.message.bytes"], ("100000", False))
    expect("retention.ms", configs["retention.ms"], ("604800000", True))
    expect("segment.bytes", configs["segment.bytes"], ("1073741824", True))
    expect("keys", len(configs) >= 30, True)
    if client.HIDES_DESCRIBE_ERRORS:
        expect("configs of nothing", admin.configs(topic + ".absent"), {})
    else:
        expect_error("configs of nothing", 3, lambda: admin.configs(topic + ".absent"))
    admin.set_config(topic, "retention.ms", "86400000")
    wait_until("altered", lambda: admin.configs(topic)["retention.ms"] == ("86400000", False))
    expect("others stay", admin.configs(topic)["max.message.bytes"], ("100000", False))
    admin.unset_config(topic, "retention.ms")
    wait_until("unset", lambda: admin.configs(topic)["retention.ms"] == ("604800000", True))
    broker = admin.broker_configs(node)
    expect("log.segment.bytes", broker["log.segment.bytes"], "1073741824")
    expect("num.partitions", broker["num.partitions"], "1")

    admin.set_config(topic, "cleanup.policy", "delete")
    wait_until("policy", lambda: admin.configs(topic)["cleanup.policy"][0] == "delete")
    produce(Record(topic, 0, b"k", b"%d" % n) for n in range(50))
    expect("low watermark", admin.delete_records(topic, 0, 20), 20)
    expect("up to the end", admin.delete_records(topic, 0, -1), 50)
    expect_error("beyond the end", 1, lambda: admin.delete_records(topic, 0, 51))
    if admin.list_offset is not None:
        produce([Record(topic, 1, None, b"x", (), BASE_TIME + n) for n in (5, 9, 7)])
        found = [admin.list_offset(topic, 1, which) for which in ("earliest", "latest", "max_timestamp")]
        expect("offsets", found, [0, 3, 1])
        expect("earliest after delete", admin.list_offset(topic, 0, "earliest"), 50)

    admin.delete_topic(topic)
    wait_until("topic gone", lambda: topic not in admin.topics())
    expect_error("deleted twice", 3, lambda: admin.delete_topic(topic))
    admin.create_topic(topic, 1)
    wait_until("made again", lambda: sorted(admin.partitions(topic)) == [0])
    admin.close()
    produce([Record(topic, 0, None, b"new life")])
    expect("nothing of the old life", consume(topic, {0: 1})[0][0].value, b"new life")
    return {"brokers": len(brokers)}


def wait_until(what, holds, seconds=15):
    deadline = time.monotonic() + seconds
    while True:
        error = None
        try:
            if holds():
                return
        except Exception as raised:  # noqa: BLE001 - not known yet
            error = raised
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s ({error!r})")
        time.sleep(0.05)


def check_restart():
    """The broker is restarted while records flow: with idempotence nothing is lost, doubled or out of order.

    Prints `flowing` when the caller shall restart the broker, and waits for a line on standard input.
    """
    topic = create(topic_name("restart"))
    producer = client.Producer(bootstrap, idempotence=True)
    restarted = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), restarted.set()), daemon=True).start()
    sent = []

    def send():
        record = Record(topic, 0, b"%d" % len(sent), b"value of %d" % len(sent), (("n", b"%d" % len(sent)),))
        sent.append(record)
        producer.send(record)

    for _ in range(2000):
        send()
    producer.flush()
    print("flowing", flush=True)
    deadline = time.monotonic() + 120
    while not restarted.is_set() and time.monotonic() < deadline:
        send()
        producer.poll(0.001)
        time.sleep(0.001)
    during = len(sent) - 2000
    expect("records sent while it was away", during > 0, True)
    for _ in range(2000):
        send()
    producer.flush()
    done = acknowledged(sent, producer.results)
    producer.close()
    expect("offsets", [record.offset for record in done], list(range(len(done))))
    expect_same("after the restart", consume(topic, {0: len(done)})[0], done)
    return {"records": len(done), "during": during}


if __name__ == "__main__":
    client_name, check_name, bootstrap = sys.argv[1:4]
    client = importlib.import_module(client_name + "_client")
    print(json.dumps(globals()["check_" + check_name]()), flush=True)
