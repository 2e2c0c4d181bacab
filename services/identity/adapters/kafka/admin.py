"""Topics on the broker: made and kept as schemas/topics says, never by the broker's defaults.

What is missing is created, what is smaller grows, what differs otherwise is set; what would lose
messages is refused. Held by tests/contract/test_kafka_log.py.
"""

import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError

from services.identity.adapters.kafka.connection import KafkaConnection, kafka_errors
from services.identity.adapters.log_rules import faults, refuse_to_shrink, unknown_topics
from services.identity.domain.errors import RetryableError
from services.identity.ports import TopicSettings

ENVELOPE_BYTES = 65_536  # room for key, headers and the batch around a value of the largest size
KEPT_FOR_EVER = -1
SHOWN_SECONDS_MAX = 10.0
SHOWN_PAUSE_SECONDS = 0.05
# Beside what schemas/topics declares: what a broker could otherwise decide against us.
FIXED = {
    "retention.bytes": str(KEPT_FOR_EVER),
    "message.timestamp.type": "LogAppendTime",  # `appended_at` is the broker's word
    "compression.type": "producer",  # kept as sent: the broker never packs anew
    "unclean.leader.election.enable": "false",  # it would lose what was acknowledged
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A topic as it is on the broker."""

    settings: TopicSettings
    configs: dict[str, str]


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
        declared = _fitted(client, topics)
        found = _read(client, [topic.name for topic in declared])
        for topic in declared:
            if topic.name in found:
                refuse_to_shrink(topic, found[topic.name].settings)
        _create(client, [topic for topic in declared if topic.name not in found])
        changed = [topic for topic in declared if topic.name in found]
        changed = [topic for topic in changed if _adjust(client, topic, found[topic.name])]
        client.wait_for_topics([topic.name for topic in declared])
        _wait_until_shown(client, changed)


def topic_faults(connection: KafkaConnection, topics: Sequence[TopicSettings]) -> Sequence[str]:
    """What is not as given, in one line each; nothing is changed."""
    with _admin(connection) as client:
        declared = _fitted(client, topics)
        found = _read(client, [topic.name for topic in declared])
    lines = [*faults(declared, {name: each.settings for name, each in found.items()})]
    for topic in declared:
        if topic.name in found:
            configs = found[topic.name].configs
            lines += [
                f"topic {topic.name}: {name} is {configs.get(name)}, it must be {wanted}"
                for name, wanted in _guards(found[topic.name].settings).items()
                if configs.get(name) != wanted
            ]
    return lines


def message_bytes_max(connection: KafkaConnection, names: Sequence[str]) -> dict[str, int]:
    """The largest value that each topic takes. Raises RetryableError when one is unknown."""
    with _admin(connection) as client:
        found = _read(client, names)
    missing = sorted(set(names) - found.keys())
    if missing:
        raise unknown_topics(missing)
    return {name: each.settings.message_bytes_max for name, each in found.items()}


def _fitted(client: Any, topics: Sequence[TopicSettings]) -> list[TopicSettings]:  # noqa: ANN401  # as above
    """Each topic with as many replicas as there are brokers for."""
    brokers = len(client.describe_cluster()["brokers"])
    return [
        replace(each, replication_factor=min(each.replication_factor, brokers)) for each in topics
    ]


def _read(client: Any, names: Sequence[str]) -> dict[str, _Found]:  # noqa: ANN401  # as above
    """Those of the topics that exist, as they are."""
    existing = sorted(set(names) & set(client.list_topics()))
    if not existing:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in existing]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        each["name"]: _found(each["name"], each["partitions"], described[each["name"]])
        for each in client.describe_topics(existing)
    }


def _found(name: str, partitions: Sequence[Any], described: dict[str, Any]) -> _Found:
    configs = {key: str(each["value"]) for key, each in described.items()}
    retention = int(configs["retention.ms"])
    return _Found(
        settings=TopicSettings(
            name=name,
            partitions=len(partitions),
            retention_ms=None if retention == KEPT_FOR_EVER else retention,
            compacted="compact" in configs["cleanup.policy"],
            message_bytes_max=int(configs["max.message.bytes"]) - ENVELOPE_BYTES,
            replication_factor=min(len(each["replica_nodes"]) for each in partitions),
        ),
        configs=configs,
    )


def _create(client: Any, topics: Sequence[TopicSettings]) -> None:  # noqa: ANN401  # as above
    for topic in topics:
        wanted = {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication_factor,
            "configs": _configs(topic),
        }
        try:
            client.create_topics({topic.name: wanted})
        except TopicAlreadyExistsError:
            continue  # another process was faster, with the same settings


def _adjust(client: Any, topic: TopicSettings, found: _Found) -> bool:  # noqa: ANN401  # as above
    """Whether anything had to change. Nothing here shrinks: that was refused before."""
    grows = topic.partitions > found.settings.partitions
    if grows:
        client.create_partitions({topic.name: topic.partitions})
    changed = _changed(topic, found)
    if changed:
        answered = client.alter_configs([ConfigResource("TOPIC", topic.name, changed)])
        outcome = answered["topic"][topic.name]
        if outcome != "OK":
            raise RetryableError(f"the broker does not change topic {topic.name}: {outcome}")
    return grows or bool(changed)


def _changed(topic: TopicSettings, found: _Found) -> dict[str, str]:
    copies = found.settings.replication_factor  # only a person moves replicas between brokers
    wanted = _configs(replace(topic, replication_factor=copies))
    return {name: value for name, value in wanted.items() if found.configs.get(name) != value}


def _wait_until_shown(client: Any, topics: Sequence[TopicSettings]) -> None:  # noqa: ANN401  # as above
    """A broker accepts a change first and shows it later: whoever asks next must see it."""
    give_up_at = time.monotonic() + SHOWN_SECONDS_MAX
    while topics and not _are_shown(client, topics):
        if time.monotonic() > give_up_at:
            raise RetryableError("the broker does not show the topics as they were changed")
        time.sleep(SHOWN_PAUSE_SECONDS)


def _are_shown(client: Any, topics: Sequence[TopicSettings]) -> bool:  # noqa: ANN401  # as above
    found = _read(client, [topic.name for topic in topics])
    return all(
        topic.name in found
        and found[topic.name].settings.partitions >= topic.partitions
        and not _changed(topic, found[topic.name])
        for topic in topics
    )


def _configs(topic: TopicSettings) -> dict[str, str]:
    retention = KEPT_FOR_EVER if topic.retention_ms is None else topic.retention_ms
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(retention),
        "max.message.bytes": str(topic.message_bytes_max + ENVELOPE_BYTES),
        **_guards(topic),
    }


def _guards(topic: TopicSettings) -> dict[str, str]:
    """What is acknowledged is on more than one broker, where there is more than one."""
    return {**FIXED, "min.insync.replicas": str(max(1, topic.replication_factor - 1))}
