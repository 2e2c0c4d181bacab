"""Reading the embedded log as a member of a consumer group."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.identity.adapters.embedded import topics as topics_of
from services.identity.adapters.embedded.membership import Alone, Membership
from services.identity.adapters.embedded.session import Session
from services.identity.adapters.log_rules import STALL_MS_MAX, fair_share, shares
from services.identity.adapters.sql.engine import Connection
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import (
    Loss,
    Message,
    MessagesLostError,
    Partition,
    Position,
    StartingOffsets,
)

# Between two looks at an idle log, doubled from the first to the last. NOTIFY would be no better:
# it makes all commits that notify queue up behind one lock.
IDLE_SECONDS = 0.002
IDLE_SECONDS_MAX = 0.02
SHARE_SECONDS = 0.2  # between two looks at who else is in the group
READ_BYTES_MAX = 32 * 1024 * 1024  # values of one poll; at least one message a partition

ENDS = "SELECT topic, partition, next_offset FROM log_partition WHERE topic = ANY(%s)"
KEPT = """
SELECT p.topic, p.partition, coalesce(min(r."offset"), p.next_offset)
FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS wanted (topic, partition, first)
JOIN log_partition AS p USING (topic, partition)
LEFT JOIN log_record AS r ON r.topic = p.topic AND r.partition = p.partition
  AND r."offset" >= wanted.first
GROUP BY p.topic, p.partition
"""
READ = """
SELECT wanted.place, found."offset", found.appended_at, found.key, found.value, found.headers
FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[])
  WITH ORDINALITY AS wanted (topic, partition, first, count, place)
CROSS JOIN LATERAL (
  SELECT r."offset", r.appended_at, r.key, r.value, r.headers,
    coalesce(sum(octet_length(r.value)) OVER (
      ORDER BY r."offset" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
  FROM log_record AS r
  WHERE r.topic = wanted.topic AND r.partition = wanted.partition
    AND r."offset" >= wanted.first AND r."offset" < wanted.first + wanted.count
) AS found
WHERE found.bytes_before < %s
ORDER BY wanted.place, found."offset"
"""

_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...])


class EmbeddedConsumer:
    """Belongs to one thread. A lost connection loses its partitions; the next poll joins again."""

    def __init__(
        self,
        url: str,
        *,
        topics: Sequence[str],
        group: str | None,
        start: StartingOffsets,
        stall_ms_max: int = STALL_MS_MAX,
    ) -> None:
        self._session = Session(url)
        self._stall_ms_max = stall_ms_max
        self._polled_at = time.monotonic()
        self._topics = sorted(topics)
        self._group = group
        self._start = start
        self._member_of: tuple[Connection, Membership | Alone] | None = None
        self._next: dict[Partition, int] = {}
        self._share_at = 0.0
        try:
            with self._session.use() as connection:
                topics_of.read(connection, self._topics)
                self._membership(connection)
        except BaseException:
            self._session.close()
            raise

    def poll(self, *, records_max: int, timeout_ms: int) -> Sequence[Message]:
        give_up_at = time.monotonic() + timeout_ms / 1000
        idle = IDLE_SECONDS
        while True:
            stalled = time.monotonic() - self._polled_at >= self._stall_ms_max / 1000
            self._polled_at = time.monotonic()
            try:
                with self._session.use() as connection:
                    self._share_when_due(connection)
                    found = self._read(connection, records_max)
            except RetryableError:
                if not self._session.is_open:
                    self._next.clear()  # the locks went with the connection
                    if stalled:
                        continue  # the server ended the idle session, as it was told to
                raise
            wait = give_up_at - time.monotonic()
            if found or wait <= 0:
                return found
            time.sleep(min(wait, idle))
            idle = min(idle * 2, IDLE_SECONDS_MAX)

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._next)

    def positions(self) -> Mapping[Partition, int]:
        return dict(self._next)

    def seek(self, position: Position) -> None:
        if position.partition not in self._next:
            raise ValueError("only an assigned partition has a position")
        self._next[position.partition] = position.next_offset

    def end_offsets(self) -> Mapping[Partition, int]:
        with self._session.use() as connection:
            return self._ends(connection)

    def close(self) -> None:
        self._next.clear()
        self._session.close()

    def _membership(self, connection: Connection) -> Membership | Alone:
        """Of this very connection: a new one owns nothing until it has joined again."""
        if self._member_of is None or self._member_of[0] is not connection:
            self._next.clear()
            self._share_at = 0.0
            # The locks of a member that stands still would keep its partitions from the others.
            connection.execute(
                "SELECT set_config('idle_session_timeout', %s, false)", (str(self._stall_ms_max),)
            )
            self._member_of = (connection, self._join(connection))
        return self._member_of[1]

    def _join(self, connection: Connection) -> Membership | Alone:
        if self._group is None:
            return Alone()
        return Membership(connection, group=self._group, topics=self._topics)

    def _share_when_due(self, connection: Connection) -> None:
        """Give up what others should own, take what is ours and free."""
        membership = self._membership(connection)
        if time.monotonic() < self._share_at:
            return
        rank, members = membership.rank()
        every = topics_of.partitions(connection, self._topics)
        share = fair_share(every, rank=rank, members=members)
        for partition in self._next.keys() - share:
            del self._next[partition]
            membership.release(partition)
        new = frozenset(each for each in share - self._next.keys() if membership.take(each))
        if new:
            try:
                starts = self._start(new)
                unknown = dict.fromkeys(new - starts.keys(), 0)
                begins = self._kept(connection, unknown) if unknown else {}
            except BaseException:
                for partition in new:  # owned without a position it would stand still
                    membership.release(partition)
                raise
            self._next |= {**begins, **{each: starts[each] for each in new & starts.keys()}}
        self._share_at = time.monotonic() + SHARE_SECONDS

    @staticmethod
    def _kept(connection: Connection, firsts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Where the first message at or after each offset stands; the end, if there is none."""
        arguments = ([e.topic for e in firsts], [e.index for e in firsts], list(firsts.values()))
        rows = connection.execute(KEPT, arguments).fetchall()
        return {Partition(topic, index): offset for topic, index, offset in rows}

    def _ends(self, connection: Connection) -> dict[Partition, int]:
        rows = connection.execute(ENDS, (self._topics,)).fetchall()
        ends = {Partition(topic, index): end for topic, index, end in rows}
        return {partition: ends[partition] for partition in self._next}

    def _read(self, connection: Connection, records_max: int) -> list[Message]:
        if not self._next:
            return []
        ends = self._ends(connection)
        available = {each: end - self._next[each] for each, end in ends.items()}
        counts = shares(available, records_max=records_max)
        if not counts:
            return []
        wanted = sorted(counts)
        arguments = (
            [each.topic for each in wanted],
            [each.index for each in wanted],
            [self._next[each] for each in wanted],
            [counts[each] for each in wanted],
            max(READ_BYTES_MAX // len(wanted), 1),
        )
        with connection.cursor(binary=True) as cursor:
            rows = cursor.execute(READ, arguments).fetchall()
        found = [_message(wanted[row[0] - 1], row) for row in rows]
        firsts = {message.partition: message.offset for message in reversed(found)}
        if any(firsts.get(each) != self._next[each] for each in wanted):
            raise MessagesLostError(self._losses(connection, wanted))
        self._next |= {message.partition: message.offset + 1 for message in found}
        return found

    def _losses(self, connection: Connection, partitions: Sequence[Partition]) -> list[Loss]:
        """A range that begins without a row was removed by retention."""
        kept = self._kept(connection, {each: self._next[each] for each in partitions})
        return [
            Loss(partition=each, first=self._next[each], kept=kept[each])
            for each in partitions
            if self._next[each] < kept[each]
        ]


def _message(partition: Partition, row: tuple[Any, ...]) -> Message:
    _, offset, appended_at, key, value, headers = row
    return Message(
        partition=partition,
        offset=offset,
        appended_at=Micros(appended_at),
        key=key,
        value=value,
        headers=() if headers is None else _headers.decode(headers),
    )
