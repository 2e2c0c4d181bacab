"""The tables of the memory store, and the journal that undoes a transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.steward import CommandId, Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.ports import OutgoingMessage
from services.identity.store import (
    DedupeEntry,
    Interval,
    Member,
    ReviewItem,
    StoredEdge,
    StoredEvent,
    StoredProfile,
    StoredRecord,
)
from services.identity.store_accounts import AccountRow
from services.identity.store_marks import Mark

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Progress:
    as_of: str
    pending_since: Micros | None
    checked_at: Micros


@dataclass(slots=True)
class Tables:
    """Everything kept. A dict of dicts is a table with an index; empty inner ones stay behind."""

    records: dict[int, StoredRecord] = field(default_factory=dict)
    numbers: dict[RecordKey, int] = field(default_factory=dict)
    dedupe: dict[UUID, DedupeEntry] = field(default_factory=dict)
    events: dict[int, dict[tuple[Micros, UUID], StoredEvent]] = field(default_factory=dict)
    holders: dict[int, dict[int, None]] = field(default_factory=dict)
    accounts: dict[AccountId, dict[AccountRow, None]] = field(default_factory=dict)
    crowds: dict[AccountId, None] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)
    generic: dict[int, Micros] = field(default_factory=dict)
    aside: dict[int, Micros] = field(default_factory=dict)
    layouts: dict[int, Micros] = field(default_factory=dict)
    pair_vectors: dict[int, bytes] = field(default_factory=dict)
    offsets: dict[tuple[str, str, int], int] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    components: dict[int, dict[int, None]] = field(default_factory=dict)
    residents: dict[ProfileId, dict[int, None]] = field(default_factory=dict)
    edges: dict[int, dict[int, StoredEdge]] = field(default_factory=dict)
    smaller_ends: dict[int, dict[int, None]] = field(default_factory=dict)
    profiles: dict[ProfileId, StoredProfile] = field(default_factory=dict)
    stays: dict[ProfileId, dict[SegmentId, Interval]] = field(default_factory=dict)
    ended: dict[int, tuple[Interval, Interval]] = field(default_factory=dict)
    outbox: dict[int, OutgoingMessage] = field(default_factory=dict)
    reviews: dict[tuple[str, str], tuple[ReviewItem, Micros]] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    decisions: dict[CommandId, tuple[int, Decision | Withdrawal]] = field(default_factory=dict)
    decided: dict[RecordKey, dict[CommandId, None]] = field(default_factory=dict)
    withdrawn: dict[CommandId, dict[CommandId, None]] = field(default_factory=dict)
    value_words: dict[CommandId, ValueWord] = field(default_factory=dict)
    models: dict[str, bytes] = field(default_factory=dict)
    rulesets: dict[str, bytes] = field(default_factory=dict)
    segments: dict[SegmentId, tuple[Mapping[str, object], int]] = field(default_factory=dict)


class Journal:
    """Writes entries and remembers what stood there, so that all of it can be taken back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def add(self, table: dict[K, V], key: K, value: V) -> None:
        """A row that must not be there yet: a second one is a bug of the caller."""
        if key in table:
            raise ValueError("this row is already there")
        self.put(table, key, value)

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        if key in table:
            before = table.pop(key)
            self._undo.append(lambda: table.__setitem__(key, before))

    def __len__(self) -> int:
        return len(self._undo)

    def undo(self, since: int = 0) -> None:
        """Back to when it had so many entries: the latest write is taken back first."""
        while len(self._undo) > since:
            self._undo.pop()()
