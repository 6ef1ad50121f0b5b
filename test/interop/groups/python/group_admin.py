"""What confluent-kafka's admin says of a group with members, and what it may do to it without any.

Run as: group_admin.py look|change BOOTSTRAP GROUP TOPIC. Prints one line of JSON; refusals are codes.
"""

import json
import sys

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

what, bootstrap, group, topic = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": bootstrap})


def outcome(call):
    """0, or the code of the refusal."""
    try:
        call()
    except KafkaException as error:
        return error.args[0].code()
    return 0


def offsets():
    [future] = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    rows = future.result().topic_partitions
    for row in rows:
        if row.error:
            raise KafkaException(row.error)
    return {f"{row.topic}-{row.partition}": row.offset for row in rows}


def delete():
    return outcome(lambda: admin.delete_consumer_groups([group])[group].result())


def alter(offset):
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, offset)])
    [future] = admin.alter_consumer_group_offsets([wanted]).values()
    [row] = future.result().topic_partitions
    return row.error.code() if row.error else 0


def listed():
    result = admin.list_consumer_groups().result()
    if result.errors:
        raise result.errors[0]
    return {row.group_id: [row.state.name, row.type.name] for row in result.valid if row.group_id == group}


def look():
    described = admin.describe_consumer_groups([group])[group].result()
    assigned = [at for member in described.members for at in member.assignment.topic_partitions]
    return {
        "listed": listed(),
        "described": [described.state.name, described.type.name, described.partition_assignor],
        "members": sorted(member.client_id for member in described.members),
        "assigned": sorted(f"{at.topic}-{at.partition}" for at in assigned),
        "offsets": offsets(),
        "alter": alter(0),
        "delete": delete(),
    }


def change():
    return {
        "listed": listed(),
        "alter": alter(1),
        "offsets": offsets(),
        "delete": delete(),
        "deletedAgain": delete(),
        "listedAfterwards": listed(),
    }


print(json.dumps(look() if what == "look" else change()))
