"""A member of a group by kafka-python: commits after every poll. Its listener is called while a poll is under way.

A poll throws while the broker is away; the next one goes on. A poll whose time ends while the answer to a SyncGroup is
on its way loses that answer, and the member waits for ever (kafka-python 3.0.12, with Apache Kafka too): hence polls of a
second, which hardly ever end then. What the client says of its joins goes to standard error.
"""

import logging
import threading
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaConnectionError, KafkaError
from reporting import Report, arguments, consumer_settings, stop_when_asked

STRATEGIES = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}


class Listener(ConsumerRebalanceListener):
    def __init__(self, consumer, report):
        self._consumer = consumer
        self._report = report
        self.pending = {}

    def _generation(self):
        return self._consumer._coordinator._generation.generation_id

    def _forget(self, partitions):
        for at in partitions:
            self.pending.pop(at, None)

    def on_partitions_assigned(self, assigned):
        self._report.assigned(self._generation(), assigned)

    def on_partitions_revoked(self, revoked):
        self._forget(revoked)
        self._report.revoked(self._generation(), revoked)

    def on_partitions_lost(self, lost):
        self._forget(lost)
        self._report.lost(self._generation(), lost)


def main():
    args = arguments()
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("kafka.coordinator").setLevel(logging.INFO)
    report = Report(args.name)
    consumer = KafkaConsumer(
        **consumer_settings(args, STRATEGIES),
        reconnect_backoff_ms=50,
        reconnect_backoff_max_ms=200,
    )
    listener = Listener(consumer, report)
    stopping = threading.Event()
    stop_when_asked(stopping.set)
    consumer.subscribe(topics=args.topics or (), pattern=args.regex, listener=listener)
    report.ready()
    while not stopping.is_set():
        try:
            read = consumer.poll(timeout_ms=1000, max_records=50)
        except KafkaConnectionError as error:
            report.hindered(error)
            time.sleep(0.1)
            continue
        for at, messages in read.items():
            for message in messages:
                report.record(message)
            listener.pending[at] = OffsetAndMetadata(messages[-1].offset + 1, "", -1)
        offsets = dict(listener.pending)
        if not offsets:
            continue
        try:
            consumer.commit(offsets)
        except KafkaError as error:
            # Tried again after the next poll, unless the partitions are gone by then.
            report.hindered(error)
        else:
            listener.pending.clear()
            report.committed({at: offset.offset for at, offset in offsets.items()})
    consumer.close()
    report.left()


main()
