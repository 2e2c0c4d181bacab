"""Every letter as it stands today, from the entries of its topic: what is open, and since when.

A letter's entries may come in any order and any number of times; checked by
tests/property/test_letter_book.py.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.identity.domain.errors import RejectReason
from services.identity.ports import Message
from services.identity.wire.dead_letter import DeadLetter, decode


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

    def members(self) -> dict[str, object]:
        """What is told of it wherever it is told, in plain values."""
        return {
            "id": self.id,
            "state": "open" if self.is_open else "redriven",
            "reason": self.reason.value,
            "detail": self.detail,
            "origin": self.origin,
            "stage": self.stage,
            "source": self.source,
            "position": self.position,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "tries": self.tries,
        }


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
