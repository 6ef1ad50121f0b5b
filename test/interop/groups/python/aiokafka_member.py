"""A member of a group by aiokafka: commits after every read.

A rebalance, which aiokafka carries out beside the reading, waits until what was read is told and committed. What it
hands out is of the assignment of that moment: nothing else runs between its answer and the telling.
"""

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from reporting import Report, arguments, consumer_settings, stop_when_asked

STRATEGIES = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


class Listener(ConsumerRebalanceListener):
    def __init__(self, consumer, report):
        self._consumer = consumer
        self._report = report
        self.telling = asyncio.Lock()
        self.pending = {}

    @property
    def generation(self):
        return self._consumer._coordinator.generation

    async def on_partitions_revoked(self, revoked):
        async with self.telling:
            self.pending.clear()
            self._report.revoked(self.generation, revoked)

    async def on_partitions_assigned(self, assigned):
        self._report.assigned(self.generation, assigned)


async def main():
    args = arguments()
    report = Report(args.name)
    consumer = AIOKafkaConsumer(
        **consumer_settings(args, STRATEGIES),
        retry_backoff_ms=50,
    )
    listener = Listener(consumer, report)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    stop_when_asked(lambda: loop.call_soon_threadsafe(stopping.set))
    consumer.subscribe(topics=args.topics or (), pattern=args.regex, listener=listener)
    report.ready()
    await consumer.start()
    while not stopping.is_set():
        read = await consumer.getmany(timeout_ms=100, max_records=50)
        async with listener.telling:
            for at, messages in read.items():
                for message in messages:
                    report.record(message)
                listener.pending[at] = messages[-1].offset + 1
            offsets = dict(listener.pending)
            if not offsets:
                continue
            try:
                await consumer.commit(offsets)
            except KafkaError as error:
                # Tried again after the next read, unless there was a rebalance.
                report.hindered(error)
            else:
                listener.pending.clear()
                report.committed(offsets)
    # aiokafka says nothing to the listener at its end.
    report.revoked(listener.generation, consumer.assignment())
    await consumer.stop()
    report.left()


asyncio.run(main())
