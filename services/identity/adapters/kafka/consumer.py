"""Reading Kafka as a member of a consumer group; where to start is the database's word alone.

Newly assigned partitions are held still until the caller's `start` has said their offsets, in the
caller's own thread: a failure there reaches the caller, and no message is read twice or skipped.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka import KafkaConsumer as Client
from kafka.errors import IllegalStateError, OffsetOutOfRangeError

from services.identity.adapters.kafka.connection import KafkaConnection, kafka_errors
from services.identity.adapters.log_rules import STALL_MS_MAX, unknown_topics
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros
from services.identity.ports import (
    Loss,
    Message,
    MessagesLostError,
    Partition,
    Position,
    StartingOffsets,
)

SESSION_MS_MAX = 10_000  # a dead member's partitions are free after this; the client says 45 s
HEARTBEAT_MS = 1_000  # a member learns this late that the group is to be shared out anew
SLICE_MS = 50  # an assignment waits at most this long for its offsets
FETCH_BYTES_MAX = 32 * 1024 * 1024
PARTITION_BYTES_MAX = 4 * 1024 * 1024


class KafkaConsumer:
    """Belongs to one thread."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        topics: Sequence[str],
        group: str | None,
        start: StartingOffsets,
        stall_ms_max: int = STALL_MS_MAX,
    ) -> None:
        self._start = start
        self._lock = threading.Lock()  # the client rebalances in a thread of its own
        self._rebalances = 0
        self._placed: set[Partition] = set()
        self._unplaced: set[Partition] = set()
        with kafka_errors():
            self._client: Any = Client(
                **connection.options(),
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="none",  # never the client's guess
                isolation_level="read_committed",
                session_timeout_ms=SESSION_MS_MAX,
                heartbeat_interval_ms=min(HEARTBEAT_MS, stall_ms_max // 5),
                max_poll_interval_ms=stall_ms_max,
                fetch_max_bytes=FETCH_BYTES_MAX,
                max_partition_fetch_bytes=PARTITION_BYTES_MAX,
                allow_auto_create_topics=False,
                metrics_enabled=False,  # ours are enough; these cost time per message
            )
        try:
            with kafka_errors():
                if group is None:
                    self._take_all(topics)
                else:
                    self._client.subscribe(topics=list(topics), listener=_Listener(self))
                    self._require(topics)  # after subscribing: else the group forms twice
        except BaseException:
            self._client.close(autocommit=False)
            raise

    def poll(self, *, records_max: int, timeout_ms: int) -> Sequence[Message]:
        give_up_at = time.monotonic() + timeout_ms / 1000
        with kafka_errors():
            while True:
                self._place()
                left_ms = max(int((give_up_at - time.monotonic()) * 1000), 0)
                try:
                    found = self._client.poll(
                        timeout_ms=min(left_ms, SLICE_MS), max_records=records_max
                    )
                except OffsetOutOfRangeError as error:
                    self._refuse(error.args[0])
                    found = {}
                if found or left_ms == 0:
                    return [_message(each) for batch in found.values() for each in batch]

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._placed)

    def positions(self) -> Mapping[Partition, int]:
        with kafka_errors():
            found = {each: self._position(_theirs(each)) for each in self.assignment()}
        return {each: offset for each, offset in found.items() if offset is not None}

    def _position(self, partition: Any) -> int | None:  # noqa: ANN401  # kafka-python has no types
        """None for one that a rebalance has just taken away."""
        with suppress(IllegalStateError):
            at: int | None = self._client.position(partition, timeout_ms=SLICE_MS)
            return at
        return None

    def seek(self, position: Position) -> None:
        if position.partition not in self._placed:
            raise ValueError("only an assigned partition has a position")
        self._client.seek(_theirs(position.partition), position.next_offset)

    def end_offsets(self) -> Mapping[Partition, int]:
        with kafka_errors():
            found = self._client.end_offsets([_theirs(each) for each in sorted(self._placed)])
        return {_ours(each): offset for each, offset in found.items()}

    def close(self) -> None:
        self._placed.clear()
        with kafka_errors():
            self._client.close(autocommit=False)

    def assigned(self, partitions: Iterable[Any]) -> None:
        with self._lock:
            self._rebalances += 1
            for each in partitions:
                self._client.seek(each, 0)  # any position: without one the client asks the broker
                self._client.pause(each)
                self._unplaced.add(_ours(each))

    def revoked(self, partitions: Iterable[Any]) -> None:
        ours = {_ours(each) for each in partitions}
        with self._lock:
            self._rebalances += 1
            self._placed -= ours
            self._unplaced -= ours

    def _refuse(self, positions: Mapping[Any, int]) -> None:
        """Of partitions where the broker holds nothing at our place; none when it does by now."""
        begins = self._client.beginning_offsets(list(positions))
        ends = self._client.end_offsets(list(positions))
        losses = [
            Loss(partition=_ours(each), first=first, kept=begins[each])
            for each, first in positions.items()
            if first < begins[each]
        ]
        if losses:
            raise MessagesLostError(losses)
        short = [_ours(each) for each, first in positions.items() if first > ends[each]]
        if short:
            named = ", ".join(f"{each.topic}/{each.index}" for each in short)
            raise UsageError(
                f"the log ends before what was read of {named}: the topic was made anew, or the"
                " broker lost its end. What was landed stays; a new home reads it from its start"
            )

    def _take_all(self, topics: Sequence[str]) -> None:
        self._require(topics)
        every = [
            TopicPartition(topic, index)
            for topic in topics
            for index in self._client.partitions_for_topic(topic)
        ]
        self._client.assign(every)
        self.assigned(every)

    def _require(self, topics: Sequence[str]) -> None:
        missing = [each for each in topics if not self._client.partitions_for_topic(each)]
        if missing:
            raise unknown_topics(missing)

    def _place(self) -> None:
        """Ask where to start, and start there unless the group was shared out anew meanwhile."""
        with self._lock:
            new, rebalances = frozenset(self._unplaced), self._rebalances
        if not new:
            return
        starts = dict(self._start(new))
        unknown = [_theirs(each) for each in sorted(new - starts.keys())]
        if unknown:
            begins = self._client.beginning_offsets(unknown)
            starts |= {_ours(each): offset for each, offset in begins.items()}
        with self._lock:
            if self._rebalances != rebalances:
                return
            for partition in sorted(new):
                self._client.seek(_theirs(partition), starts[partition])
                self._client.resume(_theirs(partition))
            self._placed |= new
            self._unplaced -= new


def end_offsets(connection: KafkaConnection, topic: str) -> Mapping[Partition, int]:
    """For every partition of a topic, without joining a group; empty when there is no topic."""
    with kafka_errors():
        client: Any = Client(
            **connection.options(),
            enable_auto_commit=False,  # else it warns, at every look
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            indexes = sorted(client.partitions_for_topic(topic) or ())
            found = client.end_offsets([TopicPartition(topic, index) for index in indexes])
        finally:
            client.close(autocommit=False)
    return {_ours(each): offset for each, offset in found.items()}


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self._consumer.assigned(assigned)

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self._consumer.revoked(revoked)

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        self._consumer.revoked(lost)


def _theirs(partition: Partition) -> Any:  # noqa: ANN401  # kafka-python has no types
    return TopicPartition(partition.topic, partition.index)


def _ours(partition: Any) -> Partition:  # noqa: ANN401  # as above
    return Partition(partition.topic, partition.partition)


def _message(record: Any) -> Message:  # noqa: ANN401  # as above
    return Message(
        partition=Partition(record.topic, record.partition),
        offset=record.offset,
        appended_at=Micros(record.timestamp * 1000),
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
    )
