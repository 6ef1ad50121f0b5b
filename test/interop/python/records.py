"""Records as plain values, made from a seed, and one hash over a sequence of them.

Promises that the same seed gives the same bytes, and that two sequences hash alike only if every
partition, offset, key, value and header is the same, in the same order.
"""

import hashlib
import random
import struct
import time
from dataclasses import dataclass, field, replace

# Recent, so that retention leaves the records alone.
BASE_TIME = int(time.time()) * 1000 - 3_600_000


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple = field(default_factory=tuple)
    timestamp: int | None = None
    offset: int | None = None

    def at(self, offset):
        return replace(self, offset=offset)


def _bytes(hasher, value):
    hasher.update(struct.pack(">i", -1 if value is None else len(value)))
    hasher.update(value or b"")


def digest(records):
    """Hex SHA-256 over partition, offset, key, value and headers of each record; timestamps only where given."""
    hasher = hashlib.sha256()
    for record in records:
        hasher.update(struct.pack(">iq", record.partition, record.offset))
        _bytes(hasher, record.key)
        _bytes(hasher, record.value)
        hasher.update(struct.pack(">i", len(record.headers)))
        for name, value in record.headers:
            _bytes(hasher, name.encode())
            _bytes(hasher, value)
    return hasher.hexdigest()


def bulk(topic, partitions, count, seed=7):
    """`count` records over `partitions`, 0 to 400 bytes each, every third with headers."""
    chance = random.Random(seed)
    for number in range(count):
        headers = ()
        if number % 3 == 0:
            headers = (("n", str(number).encode()), ("random", chance.randbytes(chance.randrange(8))))
        yield Record(
            topic,
            number % partitions,
            b"key-%d" % number,
            chance.randbytes(chance.randrange(400)),
            headers,
        )


def peculiar(topic, partition=0, both_null=True, null_header=True):
    """Every odd shape of a record that the protocol allows (those some client cannot say can be left out)."""
    value = b"v" * 100
    shapes = [
        (b"key", b"value", ()),
        (None, b"null key", ()),
        (b"null value", None, ()),
        (b"", b"empty key", ()),
        (b"empty value", b"", ()),
        (b"\x00\xff\xfe", bytes(range(256)), ()),
        (b"one header", value, (("name", b"header value"),)),
        (b"empty header value", value, (("empty", b""),)),
        (b"empty header name", value, (("", b"nameless"),)),
        (b"duplicate headers", value, (("twice", b"1"), ("other", b"2"), ("twice", b"3"), ("twice", b"1"))),
        (b"unicode header", value, (("h\u00e4\u00e4der \u2603 \U0001f600", "\u00e9".encode()),)),
        (b"many headers", value, tuple(("h%d" % n, b"%d" % n) for n in range(200))),
        (b"tombstone with header", None, (("why", b"deleted"),)),
    ]
    if null_header:
        shapes.append((b"null header value", value, (("null", None), ("set", b"x"), ("null", None))))
    if both_null:
        shapes.append((None, None, ()))
    for number, (key, val, headers) in enumerate(shapes):
        yield Record(topic, partition, key, val, headers, BASE_TIME + number)


def compressible(topic, count=500):
    """Records that every codec makes at least five times smaller."""
    for number in range(count):
        value = (b"the same words again and again " * 12) + b"%d" % number
        yield Record(topic, 0, b"k%d" % number, value, (("n", b"%d" % number),), BASE_TIME + number)
