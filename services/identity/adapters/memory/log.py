"""The fake log: messages in lists. Deterministic for one thread, safe for many, gone at exit."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence

from services.identity.adapters.log_rules import (
    STALL_MS_MAX,
    fair_share,
    faults,
    partition_of,
    refuse_to_shrink,
    refuse_too_large,
    shares,
    unknown_topics,
)
from services.identity.ports import (
    Clock,
    Loss,
    Message,
    MessagesLostError,
    OutgoingMessage,
    Partition,
    Position,
    StartingOffsets,
    TopicSettings,
)


class MemoryLog:
    """One log for as many producers and consumers as ask for it."""

    def __init__(self, clock: Clock, *, stall_ms_max: int = STALL_MS_MAX) -> None:
        self.name = "memory"
        self.stall_seconds_max = stall_ms_max / 1_000
        self.clock = clock
        self.settings: dict[str, TopicSettings] = {}
        self.messages: dict[Partition, list[Message]] = {}
        self.begins: dict[Partition, int] = {}  # first offsets, where some were removed
        self.holes: set[tuple[Partition, int]] = set()  # offsets that are no messages
        self.members: dict[str, list[MemoryConsumer]] = {}
        self.owners: dict[tuple[str, Partition], MemoryConsumer] = {}
        self.changed = threading.Condition()
        self.unkeyed = itertools.count()
        self._alone = itertools.count()  # readers without a group

    def ensure_topics(self, topics: Sequence[TopicSettings]) -> None:
        with self.changed:
            for topic in topics:
                if topic.name in self.settings:
                    refuse_to_shrink(topic, self.settings[topic.name])
            for topic in topics:
                self.settings[topic.name] = topic
                for index in range(topic.partitions):
                    self.messages.setdefault(Partition(topic.name, index), [])

    def topic_faults(self, topics: Sequence[TopicSettings]) -> Sequence[str]:
        return faults(topics, self.settings)

    def producer(self) -> "MemoryProducer":
        return MemoryProducer(self)

    def consumer(
        self, *, topics: Sequence[str], group: str | None, start: StartingOffsets
    ) -> "MemoryConsumer":
        self.require(topics)
        group = f"\0{next(self._alone)}" if group is None else group
        return MemoryConsumer(self, topics=topics, group=group, start=start)

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        with self.changed:
            return {each: len(self.messages[each]) for each in self.partitions_of([topic])}

    def remove_before(self, position: Position) -> None:
        """As retention does."""
        with self.changed:
            self.begins[position.partition] = position.next_offset

    def leave_hole(self, partition: Partition) -> None:
        """At its end, as the marker of a transaction does in Kafka."""
        with self.changed:
            messages, at = self.messages[partition], self.clock.now()
            self.holes.add((partition, len(messages)))
            messages.append(
                Message(
                    partition=partition, offset=len(messages), appended_at=at, key=None, value=None
                )
            )

    def close(self) -> None:
        """Nothing to let go of: the log lives as long as the object."""

    def require(self, topics: Sequence[str]) -> None:
        missing = [topic for topic in topics if topic not in self.settings]
        if missing:
            raise unknown_topics(missing)

    def partitions_of(self, topics: Sequence[str]) -> list[Partition]:
        return sorted(each for each in self.messages if each.topic in topics)

    def append(self, message: OutgoingMessage) -> Position:
        """Under the lock. The message gets its offset and becomes visible at once."""
        number = self.settings[message.topic].partitions
        key = message.key
        index = next(self.unkeyed) % number if key is None else partition_of(key, number)
        partition = Partition(message.topic, index)
        messages = self.messages[partition]
        messages.append(
            Message(
                partition=partition,
                offset=len(messages),
                appended_at=self.clock.now(),
                key=key,
                value=message.value,
                headers=message.headers,
            )
        )
        return Position(partition, len(messages))


class MemoryProducer:
    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        with self._log.changed:
            self._log.require(sorted({message.topic for message in messages}))
            for message in messages:
                refuse_too_large(message, self._log.settings[message.topic].message_bytes_max)
            positions = [self._log.append(message) for message in messages]
            self._log.changed.notify_all()
        return positions

    def close(self) -> None:
        """Nothing is buffered."""


class MemoryConsumer:
    """Shares move when a member polls: what it loses it has finished, as with the real ones."""

    def __init__(
        self, log: MemoryLog, *, topics: Sequence[str], group: str, start: StartingOffsets
    ) -> None:
        self._log = log
        self._topics = tuple(sorted(topics))
        self._group = group
        self._start = start
        self._next: dict[Partition, int] = {}
        self.polled_at = time.monotonic()
        with log.changed:
            log.members.setdefault(group, []).append(self)
            log.changed.notify_all()

    def poll(self, *, records_max: int, timeout_ms: int) -> Sequence[Message]:
        give_up_at = time.monotonic() + timeout_ms / 1000
        with self._log.changed:
            while True:
                self._join_again()
                self._share()
                found = self._read(records_max)
                wait = give_up_at - time.monotonic()
                if found or wait <= 0:
                    return found
                self._log.changed.wait(wait)

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._next)

    def positions(self) -> Mapping[Partition, int]:
        return dict(self._next)

    def seek(self, position: Position) -> None:
        if position.partition not in self._next:
            raise ValueError("only an assigned partition has a position")
        self._next[position.partition] = position.next_offset

    def end_offsets(self) -> Mapping[Partition, int]:
        with self._log.changed:
            return {partition: len(self._log.messages[partition]) for partition in self._next}

    def close(self) -> None:
        with self._log.changed:
            self.leave()

    def leave(self) -> None:
        """Under the lock. Also called for a member that stalls, by one that does not."""
        self._release(frozenset(self._next))
        members = self._log.members[self._group]
        if self in members:
            members.remove(self)

    def _join_again(self) -> None:
        """Be a member, and let go of those that stall."""
        self.polled_at = time.monotonic()
        members = self._log.members[self._group]
        if self not in members:
            members.append(self)
        for member in list(members):
            if self.polled_at - member.polled_at > self._log.stall_seconds_max:
                member.leave()

    def _share(self) -> None:
        members = self._log.members[self._group]
        rank = members.index(self)
        every = self._log.partitions_of(self._topics)
        share = fair_share(every, rank=rank, members=len(members))
        self._release(frozenset(self._next) - share)
        free = {each for each in share if (self._group, each) not in self._log.owners}
        if not free:
            return
        starts = self._start(frozenset(free))
        for partition in sorted(free):
            self._log.owners[self._group, partition] = self
            self._next[partition] = starts.get(partition, self._log.begins.get(partition, 0))

    def _release(self, partitions: frozenset[Partition]) -> None:
        for partition in partitions:
            del self._next[partition]
            del self._log.owners[self._group, partition]
        if partitions:
            self._log.changed.notify_all()

    def _read(self, records_max: int) -> list[Message]:
        self._refuse_losses()
        ends = {each: len(self._log.messages[each]) for each in self._next}
        available = {each: end - self._next[each] for each, end in ends.items()}
        found: list[Message] = []
        for partition, count in sorted(shares(available, records_max=records_max).items()):
            first = self._next[partition]
            found.extend(
                each
                for each in self._log.messages[partition][first : first + count]
                if (partition, each.offset) not in self._log.holes
            )
            self._next[partition] = first + count
        return found

    def _refuse_losses(self) -> None:
        begins = self._log.begins
        losses = [
            Loss(partition=each, first=first, kept=begins[each])
            for each, first in sorted(self._next.items())
            if first < begins.get(each, 0)
        ]
        if losses:
            raise MessagesLostError(losses)
