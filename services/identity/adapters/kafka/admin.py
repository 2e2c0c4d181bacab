"""Topics on the broker: made and kept as schemas/topics says, never by the broker's defaults."""

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError

from services.identity.adapters.kafka.connection import KafkaConnection, kafka_errors
from services.identity.adapters.log_rules import refuse_to_shrink, unknown_topics
from services.identity.ports import TopicSettings

ENVELOPE_BYTES = 65_536  # room for key, headers and the batch around a value of the largest size


@contextmanager
def _admin(connection: KafkaConnection) -> Any:  # noqa: ANN401  # kafka-python has no types
    with kafka_errors():
        client = KafkaAdminClient(**connection.options())
        try:
            yield client
        finally:
            client.close()


def ensure_topics(connection: KafkaConnection, topics: Sequence[TopicSettings]) -> None:
    """Create what is missing, grow what is smaller, set what differs. Refuses to shrink."""
    with _admin(connection) as client:
        existing = set(client.list_topics())
        old = [topic for topic in topics if topic.name in existing]
        _create(client, [topic for topic in topics if topic.name not in existing])
        counts = _partition_counts(client, [topic.name for topic in old])
        for topic in old:
            refuse_to_shrink(topic, partitions_now=counts[topic.name])
        grown = {each.name: each.partitions for each in old if each.partitions > counts[each.name]}
        if grown:
            client.create_partitions(grown)
        if old:
            resources = [ConfigResource("TOPIC", each.name, _configs(each)) for each in old]
            client.alter_configs(resources)
        client.wait_for_topics([topic.name for topic in topics])


def message_bytes_max(connection: KafkaConnection, names: Sequence[str]) -> dict[str, int]:
    """The largest value that each topic takes. Raises UsageError when one does not exist."""
    with _admin(connection) as client:
        missing = sorted(set(names) - set(client.list_topics()))
        if missing:
            raise unknown_topics(missing)
        wanted = {"max.message.bytes": None}
        resources = [ConfigResource("TOPIC", name, dict(wanted)) for name in names]
        found = client.describe_configs(resources, config_filter="all")["topic"]
    return {name: int(found[name]["max.message.bytes"]["value"]) - ENVELOPE_BYTES for name in names}


def _create(client: Any, topics: Sequence[TopicSettings]) -> None:  # noqa: ANN401  # as above
    for topic in topics:
        wanted = {topic.name: {"num_partitions": topic.partitions, "configs": _configs(topic)}}
        try:
            client.create_topics(wanted)
        except TopicAlreadyExistsError:
            continue  # another process was faster, with the same settings


def _partition_counts(client: Any, names: Sequence[str]) -> dict[str, int]:  # noqa: ANN401  # as above
    if not names:
        return {}
    return {each["name"]: len(each["partitions"]) for each in client.describe_topics(list(names))}


def _configs(topic: TopicSettings) -> dict[str, str]:
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(topic.message_bytes_max + ENVELOPE_BYTES),
        "message.timestamp.type": "LogAppendTime",  # `appended_at` is the broker's word
    }
