"""A member of a group by confluent-kafka (librdkafka).

Commits every 50 records, when nothing comes, and before partitions are taken away. librdkafka tells its generation only
in its log, so that is where it is read from.
"""

import logging
import os
import re
import threading

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from reporting import FETCH_WAIT_MS, HEARTBEAT_INTERVAL_MS, Report, arguments, stop_when_asked

RECORDS_PER_COMMIT = 50


class Generations(logging.Handler):
    """The generation, or the epoch of the member, out of the lines that librdkafka logs about its group."""

    PATTERN = re.compile(r"JoinGroup response: GenerationId (\d+)|Heartbeat response received .* with epoch (\d+)")
    last = None

    def emit(self, line):
        found = self.PATTERN.search(line.getMessage())
        if found:
            self.last = int(found.group(1) or found.group(2))


class Member:
    def __init__(self, args):
        self.args = args
        self.report = Report(args.name)
        self.generations = Generations()
        self.pending = {}
        logger = logging.getLogger("librdkafka")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self.generations)
        self.consumer = Consumer(self.settings(), logger=logger)

    def settings(self):
        args = self.args
        settings = {
            "bootstrap.servers": args.bootstrap,
            "client.id": args.name,
            "group.id": args.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 200,
            "topic.metadata.refresh.interval.ms": 1000,
            "debug": "cgrp",
            "error_cb": self.failed,
        }
        if args.instance:
            settings["group.instance.id"] = args.instance
        if args.protocol == "consumer":
            settings["group.protocol"] = "consumer"
            if args.strategy:
                settings["group.remote.assignor"] = args.strategy
        else:
            settings["session.timeout.ms"] = args.session
            settings["heartbeat.interval.ms"] = HEARTBEAT_INTERVAL_MS
            settings["partition.assignment.strategy"] = args.strategy or "range"
        return settings

    def commit(self):
        if not self.pending:
            return
        told = dict(self.pending)
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in told.items()]
        try:
            self.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self.report.hindered(error)
        else:
            self.pending.clear()
            self.report.committed(told)

    def forget(self, partitions):
        for at in partitions:
            self.pending.pop((at.topic, at.partition), None)

    def failed(self, error):
        self.report.hindered(error)
        if error.fatal() or error.code() == KafkaError._FATAL:
            # Not sys.exit(): closing the client of a member that is fenced takes for ever.
            os._exit(1)

    def assigned(self, _, partitions):
        self.report.assigned(self.generations.last, partitions)

    def revoked(self, _, partitions):
        self.commit()
        self.forget(partitions)
        self.report.revoked(self.generations.last, partitions)

    def lost(self, _, partitions):
        self.forget(partitions)
        self.report.lost(self.generations.last, partitions)

    def run(self):
        stopping = threading.Event()
        stop_when_asked(stopping.set)
        # librdkafka takes a topic that starts with ^ for a regular expression.
        topics = [self.args.regex] if self.args.regex else self.args.topics
        self.consumer.subscribe(topics, on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        self.report.ready()
        while not stopping.is_set():
            message = self.consumer.poll(0.1)
            if message is None:
                self.commit()
            elif message.error():
                self.failed(message.error())
            else:
                self.report.record_at(message.topic(), message.partition(), message.offset(), message.value())
                self.pending[(message.topic(), message.partition())] = message.offset() + 1
                if message.offset() % RECORDS_PER_COMMIT == 0:
                    self.commit()
        self.commit()
        self.consumer.close()
        self.report.left()


Member(arguments()).run()
