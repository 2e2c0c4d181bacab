"""Reading the changes of profiles: each one once, in order, and a missing one is noticed.

The relay sends at least once, and a profile's sequence counts over two topics, so a reader may meet
a change twice or before its turn. `Feed` drops what was done and holds what is early. Works on any
EventLog. One reader reads a feed: who shares the partitions of a group among several would give
the two topics of a profile to different ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import Micros
from services.identity.ports import Consumer, EventLog, Message, Partition, StartingOffsets
from services.identity.wire.changes import (
    PROFILE_CHANGES,
    SEGMENT_CHANGES,
    ChangeMessage,
    decode,
)

TOPICS = (PROFILE_CHANGES, SEGMENT_CHANGES)
HELD_MAX = 100_000  # changes that wait for an earlier one

LastDone = Callable[[str], int]
"""The sequence of the last change of a profile that was done; 0 when none was."""


class FeedBrokenError(Exception):
    """More changes wait for missing ones than a reader holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Changes that never came, though later ones of the profile did, the first of them `since`."""

    profile_id: str
    first: int
    last: int
    since: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Changes to do now, in order per profile, and where to start again once they are done.

    Keep both in one transaction with each profile's sequence: then a crash repeats nothing.
    """

    changes: Sequence[ChangeMessage]
    next_offsets: Mapping[Partition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    message: Message
    change: ChangeMessage


class Feed:
    """What was polled goes in; what is to be done comes out."""

    def __init__(self, last_done: LastDone, *, held_max: int = HELD_MAX) -> None:
        self._last_done = last_done
        self._held_max = held_max
        self._held: dict[str, dict[int, _Held]] = {}
        self._read: dict[Partition, int] = {}

    def begin(self, offsets: Mapping[Partition, int]) -> None:
        """Where reading begins, or begins again."""
        self._read |= offsets

    def pass_by(self, positions: Mapping[Partition, int]) -> None:
        """Up to where all is read, with offsets that never were messages: they come to nobody."""
        self._read |= positions

    def is_read(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before these ends was read; some of it may still be held."""
        return all(self._read.get(partition, 0) >= end for partition, end in ends.items())

    def take(self, messages: Iterable[Message]) -> Batch:
        """What a batch returned is done, and `last_done` says so, before the next is taken.

        Raises FeedBrokenError rather than hold more than its bound.
        """
        touched: dict[str, None] = {}  # in the order in which they came
        for message in messages:
            self._read[message.partition] = message.offset + 1
            if message.value is not None:
                change = decode(message.value)
                waiting = self._held.setdefault(change.profile_id, {})
                waiting.setdefault(change.sequence, _Held(message=message, change=change))
                touched[change.profile_id] = None
        changes = [change for profile_id in touched for change in self._due(profile_id)]
        if sum(map(len, self._held.values())) > self._held_max:
            raise FeedBrokenError(f"more than {self._held_max} changes wait for missing ones")
        return Batch(changes=changes, next_offsets=self._next_offsets())

    def gaps(self, *, held_before: Micros) -> list[Gap]:
        """What is missing since before that instant. A gap that is seconds old may yet close."""
        found = []
        for profile_id, waiting in sorted(self._held.items()):
            since = min(each.message.appended_at for each in waiting.values())
            if since < held_before:
                first = self._last_done(profile_id) + 1
                gap = Gap(profile_id=profile_id, first=first, last=min(waiting) - 1, since=since)
                found.append(gap)
        return found

    def _due(self, profile_id: str) -> Iterator[ChangeMessage]:
        waiting = self._held[profile_id]
        done = self._last_done(profile_id)
        for sequence in sorted(waiting):
            if sequence <= done:
                del waiting[sequence]  # a repeat
            elif sequence == done + 1:
                done = sequence
                yield waiting.pop(sequence).change
        if not waiting:
            del self._held[profile_id]

    def _next_offsets(self) -> dict[Partition, int]:
        """Not past what is held: only memory has it, and memory goes with a crash."""
        result = dict(self._read)
        for waiting in self._held.values():
            for each in waiting.values():
                partition = each.message.partition
                result[partition] = min(result[partition], each.message.offset)
        return result


class FeedReader:
    """A feed and the consumer that fills it. Belongs to one thread."""

    def __init__(
        self,
        log: EventLog,
        *,
        group: str,
        start: StartingOffsets,
        last_done: LastDone,
    ) -> None:
        """`start` and `last_done` answer from wherever the reader keeps what it has done."""
        self._feed = Feed(last_done)
        self._start = start
        self._consumer: Consumer = log.consumer(topics=TOPICS, group=group, start=self._begin)

    def poll(self, *, records_max: int = 500, timeout_ms: int = 500) -> Batch:
        messages = self._consumer.poll(records_max=records_max, timeout_ms=timeout_ms)
        if not messages:  # there is time for it, and nobody is at an end before
            self._feed.pass_by(self._consumer.positions())
        return self._feed.take(messages)

    def gaps(self, *, held_before: Micros) -> list[Gap]:
        return self._feed.gaps(held_before=held_before)

    def is_at_end(self) -> bool:
        """Whether nothing is left unread. What is held then waits for what never came."""
        ends = self._consumer.end_offsets()
        return bool(ends) and self._feed.is_read(ends)

    def close(self) -> None:
        self._consumer.close()

    def _begin(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        known = self._start(partitions)
        offsets = {each: known.get(each, 0) for each in partitions}
        self._feed.begin(offsets)
        return offsets
