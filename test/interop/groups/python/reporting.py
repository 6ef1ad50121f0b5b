"""What a member of a group is told by its test, and what it tells: one line an event (test/interop/programs/README-groups.md).

Promises that each line is written at once and whole, so that a member that is killed has told all that it did.
Leaves judging the lines to the test.
"""

import argparse
import logging
import os
import sys
import threading
import time

HEARTBEAT_INTERVAL_MS = 1000
FETCH_WAIT_MS = 100


# MEMBER_LOG=DEBUG in the environment of a test shows what the clients say of themselves.
if os.environ.get("MEMBER_LOG"):
    logging.basicConfig(level=os.environ["MEMBER_LOG"], format="%(asctime)s %(name)s %(message)s")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--topics", type=lambda names: names.split(","))
    parser.add_argument("--regex")
    parser.add_argument("--name", required=True)
    parser.add_argument("--instance")
    parser.add_argument("--strategy")
    parser.add_argument("--session", type=int, default=6000, help="milliseconds; classic groups only")
    parser.add_argument("--protocol", default="classic", choices=["classic", "consumer"])
    return parser.parse_args()


def consumer_settings(args, strategies):
    """What aiokafka and kafka-python call by the same names. `strategies`: assignors by the names that tests give them."""
    return {
        "bootstrap_servers": args.bootstrap,
        "client_id": args.name,
        "group_id": args.group,
        "group_instance_id": args.instance,
        "partition_assignment_strategy": [strategies[args.strategy or "range"]],
        "session_timeout_ms": args.session,
        "heartbeat_interval_ms": HEARTBEAT_INTERVAL_MS,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "metadata_max_age_ms": 1000,
    }


class Report:
    def __init__(self, name):
        self._name = name
        self._writing = threading.Lock()

    def _line(self, kind, *fields):
        with self._writing:
            at = time.time_ns()
            text = "\t".join([f"{at // 1000 / 1000:.3f}", kind, self._name, *map(str, fields)])
            os.write(1, f"{text}\n".encode())

    def ready(self):
        self._line("ready")

    def left(self):
        self._line("left")

    def assigned(self, generation, partitions):
        self._line("assigned", _told(generation), _names(partitions))

    def revoked(self, generation, partitions):
        self._line("revoked", _told(generation), _names(partitions))

    def lost(self, generation, partitions):
        self._line("lost", _told(generation), _names(partitions))

    def record(self, message):
        """Of the clients whose messages have fields."""
        self.record_at(message.topic, message.partition, message.offset, message.value)

    def record_at(self, topic, partition, offset, value):
        self._line("record", f"{topic}-{partition}", offset, value.decode())

    def committed(self, offsets):
        """`offsets`: {(topic, partition): offset}"""
        rows = sorted(offsets.items())
        self._line("committed", ",".join(f"{topic}-{partition}:{offset}" for (topic, partition), offset in rows))

    def hindered(self, error):
        """An error that the client gets over."""
        print(f"{self._name}: {error!r}", file=sys.stderr, flush=True)


def _told(generation):
    return "-" if generation is None or generation < 0 else generation


def _names(partitions):
    return ",".join(sorted(f"{at.topic}-{at.partition}" for at in partitions))


def stop_when_asked(stop):
    """Calls `stop` when standard input ends: that is how a member is asked to leave."""

    def wait():
        # Not sys.stdin: a thread inside it would keep the interpreter from ending.
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()
