"""Every letter as it stands today, read from the dead-letter topic: what is open, and since when.

A letter's entries may come in any order and any number of times; checked by
tests/property/test_letter_book.py.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.identity.domain.errors import RejectReason, RetryableError
from services.identity.ports import EventLog, Message, Partition
from services.identity.wire.dead_letter import DeadLetter, decode
from services.identity.wire.events import DEAD_LETTER_TOPIC

ENTRIES_READ_MAX = 200_000  # the newest of each partition; older ones are told of by their number
MESSAGES_PER_POLL_MAX = 500
POLL_MS = 5_000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands in its topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter by its latest failed try, without the original bytes: those may name people.

    `redriven` is the latest try that was sent again, 0 when none was.
    """

    id: str
    place: Place
    reason: RejectReason
    detail: str
    origin: str
    source: str | None
    position: str | None
    message_id: str | None
    stage: str | None
    first_at: datetime
    last_at: datetime
    tries: int
    bytes: int
    redriven: int = 0

    @property
    def is_open(self) -> bool:
        return self.tries > self.redriven


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters are meant; what is None or empty leaves none out.

    `since` and `until` are about the last try.
    """

    ids: Collection[str] = ()
    reason: RejectReason | None = None
    source: str | None = None
    origin: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_redriven: bool = False

    def takes(self, letter: Letter) -> bool:
        return (
            (letter.is_open or self.with_redriven)
            and (not self.ids or letter.id in self.ids)
            and self.reason in (None, letter.reason)
            and self.source in (None, letter.source)
            and self.origin in (None, letter.origin)
            and self.message_id in (None, letter.message_id)
            and (self.since is None or letter.last_at >= self.since)
            and (self.until is None or letter.last_at < self.until)
        )


class LetterBook:
    """What the entries that were added come to."""

    def __init__(self) -> None:
        self._letters: dict[str, Letter] = {}
        self._redriven: dict[str, int] = {}
        self.unread = 0

    def add(self, message: Message) -> None:
        try:
            entry = decode(message.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unread += 1  # somebody else's message on our topic
            return
        found = _letter(entry, Place(message.partition.index, message.offset))
        if entry.redriven:
            self._redriven[found.id] = max(entry.tries, self._redriven.get(found.id, 0))
            return
        known = self._letters.get(found.id, found)
        latest = max(known, found, key=lambda each: (each.tries, each.last_at, each.place))
        first_at = min(known.first_at, found.first_at)
        self._letters[found.id] = replace(latest, first_at=first_at)

    def letters(self, wanted: LetterFilter) -> list[Letter]:
        """The letters meant, the latest try last."""
        all_ = (replace(e, redriven=self._redriven.get(e.id, 0)) for e in self._letters.values())
        found = [each for each in all_ if wanted.takes(each)]
        return sorted(found, key=lambda each: (each.last_at, each.place))


def _letter(entry: DeadLetter, place: Place) -> Letter:
    return Letter(
        id=entry.letter_id,
        place=place,
        reason=entry.reason,
        detail=entry.detail,
        origin=entry.origin,
        source=entry.source,
        position=entry.position,
        message_id=entry.message_id,
        stage=entry.stage,
        first_at=entry.first,
        last_at=entry.at,
        tries=entry.tries,
        bytes=len(entry.original()),
    )


def read_book(
    log: EventLog, *, group: str, progress: Progress | None = None
) -> tuple[LetterBook, int]:
    """All letters, and how many entries are older than those that were looked at.

    `group` is the reader's own: who shares one reads a part only.
    """
    ends = log.end_offsets(DEAD_LETTER_TOPIC)
    starts = {partition: max(0, end - ENTRIES_READ_MAX) for partition, end in ends.items()}
    book = LetterBook()
    for message in _read(log, group=group, starts=starts, ends=ends):
        book.add(message)
        if progress is not None:
            progress(1)
    return book, sum(starts.values())


def read_entries(log: EventLog, places: Collection[Place], *, group: str) -> Iterator[Message]:
    """The entries at these places, with their bytes, in the order of the topic."""
    wanted = frozenset(places)
    starts: dict[Partition, int] = {}
    ends: dict[Partition, int] = {}
    for place in sorted(wanted):
        partition = Partition(DEAD_LETTER_TOPIC, place.partition)
        starts.setdefault(partition, place.offset)
        ends[partition] = place.offset + 1
    for message in _read(log, group=group, starts=starts, ends=ends):
        if Place(message.partition.index, message.offset) in wanted:
            yield message


def _read(
    log: EventLog,
    *,
    group: str,
    starts: Mapping[Partition, int],
    ends: Mapping[Partition, int],
) -> Iterator[Message]:
    """From each start to before its end. Raises RetryableError when the log stops answering."""
    left = {partition for partition, end in ends.items() if starts.get(partition, 0) < end}
    if not left:
        return

    def start(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        return {each: starts.get(each, 0) for each in partitions}

    consumer = log.consumer(topics=[DEAD_LETTER_TOPIC], group=group, start=start)
    try:
        while left:
            messages = consumer.poll(records_max=MESSAGES_PER_POLL_MAX, timeout_ms=POLL_MS)
            if not messages:
                raise RetryableError("the dead letters could not be read to their end; try again")
            for message in messages:
                if message.offset < ends.get(message.partition, 0):
                    yield message
                if message.offset + 1 >= ends.get(message.partition, 0):
                    left.discard(message.partition)
    finally:
        consumer.close()
