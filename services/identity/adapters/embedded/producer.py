"""Appending to the embedded log: offsets, messages and commit in one transaction.

Offsets are given under the row lock of the partition, in the transaction that inserts. So they
become visible in order and without gaps, and a reader never skips one that commits late. Checked
by tests/contract/log_contract.py.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence

import msgspec

from services.identity.adapters.embedded import topics
from services.identity.adapters.embedded.session import Session
from services.identity.adapters.log_rules import partition_of, refuse_too_large
from services.identity.adapters.sql.engine import Connection
from services.identity.ports import Clock, OutgoingMessage, Partition, Position, TopicSettings

LOCK = """
SELECT topic, partition, next_offset FROM log_partition
WHERE (topic, partition) IN (SELECT * FROM unnest(%s::text[], %s::int[]))
ORDER BY topic, partition FOR UPDATE
"""  # in one order, whoever asks: two appends then never wait for each other
MOVE = """
UPDATE log_partition AS here SET next_offset = here.next_offset + added.count
FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS added (topic, partition, count)
WHERE here.topic = added.topic AND here.partition = added.partition
"""
COPY = """
COPY log_record (topic, partition, "offset", appended_at, key, value, headers)
FROM STDIN (FORMAT binary)
"""
COPY_TYPES = ("text", "int4", "int8", "int8", "bytea", "bytea", "bytea")


class EmbeddedProducer:
    """Threads may share one: their appends wait for each other."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        self._session = Session(url)
        self._clock = clock
        self._settings: dict[str, TopicSettings] = {}
        self._unkeyed = itertools.count()
        self._lock = threading.Lock()

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        if not messages:
            return []
        with self._lock, self._session.use() as connection:
            partitions = self._place(connection, messages)
            with connection.transaction():
                return self._write(connection, messages, partitions)

    def close(self) -> None:
        with self._lock:
            self._session.close()

    def _place(
        self, connection: Connection, messages: Sequence[OutgoingMessage]
    ) -> list[Partition]:
        """The partition of each message, before anything is written: a refusal changes nothing."""
        unread = {message.topic for message in messages} - self._settings.keys()
        if unread:
            self._settings |= topics.read(connection, sorted(unread))
        placed: list[Partition] = []
        for message in messages:
            settings = self._settings[message.topic]
            refuse_too_large(message, settings.message_bytes_max)
            if message.key is None:
                index = next(self._unkeyed) % settings.partitions
            else:
                index = partition_of(message.key, settings.partitions)
            placed.append(Partition(message.topic, index))
        return placed

    def _write(
        self,
        connection: Connection,
        messages: Sequence[OutgoingMessage],
        partitions: list[Partition],
    ) -> list[Position]:
        counts = Counter(partitions)
        names = [each.topic for each in counts]
        indexes = [each.index for each in counts]
        locked = connection.execute(LOCK, (names, indexes)).fetchall()
        offsets = {Partition(topic, index): first for topic, index, first in locked}
        connection.execute(MOVE, (names, indexes, list(counts.values())))
        now = self._clock.now()  # under the locks: a partition's times follow its offsets
        positions: list[Position] = []
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for message, partition in zip(messages, partitions, strict=True):
                offset = offsets[partition]
                offsets[partition] = offset + 1
                copy.write_row(
                    (
                        partition.topic,
                        partition.index,
                        offset,
                        now,
                        message.key,
                        message.value,
                        msgspec.msgpack.encode(message.headers) if message.headers else None,
                    )
                )
                positions.append(Position(partition, offset + 1))
        return positions
