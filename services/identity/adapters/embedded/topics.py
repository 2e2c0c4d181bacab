"""The topics of the embedded log: their settings, and a row per partition."""

from collections.abc import Sequence

import msgspec

from services.identity.adapters.log_rules import refuse_to_shrink, unknown_topics
from services.identity.adapters.sql.engine import Connection
from services.identity.ports import Partition, TopicSettings

TOPICS_LOCK = 7_046_030  # advisory lock: one process creates topics at a time


def ensure(connection: Connection, topics: Sequence[TopicSettings]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (TOPICS_LOCK,))
        known = found(connection, [topic.name for topic in topics])
        for topic in topics:
            if topic.name in known:
                refuse_to_shrink(topic, known[topic.name])
        for topic in topics:
            now = known[topic.name].partitions if topic.name in known else 0
            cursor.execute(
                "INSERT INTO log_topic (topic, settings) VALUES (%s, %s::text::jsonb)"
                " ON CONFLICT (topic) DO UPDATE SET settings = excluded.settings"
                " WHERE log_topic.settings <> excluded.settings",
                (topic.name, msgspec.json.encode(topic).decode()),
            )
            cursor.execute(
                "INSERT INTO log_partition (topic, partition)"
                " SELECT %s, generate_series(%s::int, %s::int - 1)",
                (topic.name, now, topic.partitions),
            )


def read(connection: Connection, topics: Sequence[str]) -> dict[str, TopicSettings]:
    """The settings of these topics. Raises RetryableError when one is unknown."""
    known = found(connection, topics)
    missing = sorted(set(topics) - known.keys())
    if missing:
        raise unknown_topics(missing)
    return known


def found(connection: Connection, topics: Sequence[str]) -> dict[str, TopicSettings]:
    """The settings of those topics that exist."""
    rows = connection.execute(
        "SELECT topic, settings::text FROM log_topic WHERE topic = ANY(%s)", (list(topics),)
    ).fetchall()
    return {topic: msgspec.json.decode(raw, type=TopicSettings) for topic, raw in rows}


def partitions(connection: Connection, topics: Sequence[str]) -> list[Partition]:
    rows = connection.execute(
        "SELECT topic, partition FROM log_partition WHERE topic = ANY(%s)", (list(topics),)
    )
    return sorted(Partition(topic, index) for topic, index in rows)
