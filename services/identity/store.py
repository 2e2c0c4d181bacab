"""What the resolver asks of its store: one transaction at a time, in the resolver's own words.

Implemented by services/identity/adapters/sql (PostgreSQL) and services/identity/adapters/memory;
tests/contract/store_contract.py holds both to the same behaviour. Record numbers are the store's
surrogates: they order nothing that anyone sees. Rows are tuples: a batch makes thousands.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol
from uuid import UUID

from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.record import RecordState
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage, Position
from services.identity.store_accounts import AccountTransaction
from services.identity.store_layout import LayoutTransaction
from services.identity.store_marks import MarkTransaction
from services.identity.store_pairs import PairTransaction
from services.identity.store_steward import ReviewItem as ReviewItem  # noqa: PLC0414  # spoken of with all else
from services.identity.store_steward import StewardReading, StewardWriting


class RestartBatch(Exception):  # noqa: N818  # not an error: another worker was faster, try again
    """What was read has changed under another worker: roll back and do the batch again."""


class DedupeEntry(NamedTuple):
    """The copy of an event that counts, and how many copies were seen."""

    event_id: UUID
    occurred_at: Micros
    content_hash: bytes
    record: int
    copies: int


class StoredEvent(NamedTuple):
    """`partition` and `offset`: where channel-events holds the copy that counts."""

    record: int
    occurred_at: Micros
    event_id: UUID
    body: bytes
    partition: int
    offset: int


class StoredRecord(NamedTuple):
    """A record as it is kept. `features` is what comparisons see, `keys` under what it is found."""

    number: int
    key: RecordKey
    state: RecordState
    features: bytes
    keys: Sequence[int]
    version: int


class Comparable(NamedTuple):
    """What comparing needs of a record, and which version of it this is."""

    number: int
    key: RecordKey
    features: bytes
    version: int


class Member(NamedTuple):
    """Where a record stands today."""

    record: int
    component: int
    profile: ProfileId | None
    step: int = 0
    """How often the component was cut from a larger one; see identity/domain/ladder.py."""


class StoredEdge(NamedTuple):
    """A pair at or above the floor, or joined by a decisive identifier; `a` < `b`."""

    a: int
    b: int
    weight: int
    vector: bytes
    joined: bool = False


class ActiveVersions(NamedTuple):
    """What records are derived and joined by; without rules of its own a home has the built-in."""

    model: str
    rules: str | None
    value_words: int = 0
    """Of which there are: another number means others."""


class StoredProfile(NamedTuple):
    id: ProfileId
    document: bytes | None
    version: int
    sequence: int


class Interval(NamedTuple):
    """A stay in a segment that begins or ends."""

    profile: ProfileId
    segment: SegmentId
    at: Micros
    reason: str


MESSAGES_LOST = "messages_lost"  # kind of the items that tell what the log no longer held


class Reading(StewardReading, Protocol):
    """What of the state can be read without changing or locking anything."""

    def holders(self, limits: Mapping[int, int]) -> Mapping[int, Sequence[int]]:
        """The records that hold each key, by number, at most one more than its limit."""
        ...

    def generic_among(self, keys: Sequence[int]) -> frozenset[int]:
        """Those of the keys that were last told to be generic."""
        ...

    def records(self, numbers: Sequence[int]) -> dict[int, StoredRecord]: ...
    def comparables(self, numbers: Sequence[int]) -> dict[int, Comparable]:
        """The same records as `records` gives, without their states."""
        ...

    def memberships(self, records: Sequence[int]) -> dict[int, Member]: ...
    def records_of(self, profile: ProfileId) -> Sequence[int]:
        """The records that stand in a profile today."""
        ...

    def find_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, int]: ...
    def record_behind(self, profile: ProfileId) -> int | None:
        """The record that gives this id its name; None for an id never told."""
        ...

    def members(self, components: Sequence[int]) -> Sequence[Member]: ...
    def segments_of(self, ids: Sequence[ProfileId]) -> Mapping[ProfileId, frozenset[SegmentId]]: ...
    def edges_among(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        """Those of which the smaller record is one of these: all, where whole components ask."""
        ...

    def sources(self) -> Mapping[str, Source]: ...
    def active_versions(self) -> ActiveVersions | None:
        """Those of model and rules; in a transaction they stay the active ones until the end."""
        ...

    def model_document(self, version: str) -> bytes: ...
    def ruleset_document(self, version: str) -> bytes: ...
    def segment_documents(self) -> Sequence[tuple[Mapping[str, object], int]]:
        """Every segment's document with its version, by id."""
        ...


class Transaction(
    AccountTransaction,
    LayoutTransaction,
    MarkTransaction,
    PairTransaction,
    Reading,
    StewardWriting,
    Protocol,
):
    """Everything one batch may do; committed as a whole, or not at all."""

    # landing
    def lock_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, StoredRecord]:
        """Existing records, locked in the order of their ids until the transaction ends."""
        ...

    def lock_record_numbers(
        self, numbers: Sequence[int], *, waits: bool = True
    ) -> dict[int, StoredRecord]:
        """As `lock_records`. Who holds later locks does not wait, but raises RestartBatch."""
        ...

    def new_record_numbers(self, count: int) -> Sequence[int]: ...
    def add_dedupe(self, entries: Sequence[DedupeEntry]) -> dict[UUID, DedupeEntry]:
        """Insert what is new; return the entries that were there before, locked."""
        ...

    def update_dedupe(self, entries: Sequence[DedupeEntry]) -> None: ...
    def events_of(self, records: Sequence[int]) -> Sequence[StoredEvent]: ...
    def add_events(self, events: Sequence[StoredEvent]) -> None: ...
    def remove_events(self, events: Sequence[tuple[int, Micros, UUID]]) -> None: ...
    def add_records(self, records: Sequence[StoredRecord]) -> None:
        """Raises RestartBatch when another worker added one of them first."""
        ...

    def update_records(self, records: Sequence[StoredRecord]) -> None: ...
    def update_states(self, records: Sequence[StoredRecord]) -> None:
        """The same of records whose features and keys are as they were."""
        ...

    def add_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        """(key, record) pairs that were not there."""
        ...

    def remove_keys(self, keys: Sequence[tuple[int, int]]) -> None: ...
    def next_offsets(self, group: str) -> Mapping[tuple[str, int], int]: ...
    def advance_offsets(self, group: str, moves: Sequence[tuple[int, Position]]) -> None:
        """Each from what is expected to its position, in this order.

        Compare and set; raises LostPartition when another worker moved one of them.
        """
        ...

    # resolving
    def attempt(self) -> AbstractContextManager[None]:
        """A part of the transaction: what fails in it is taken back, the locks it took as well."""
        ...

    def holders_of(self, key: int) -> Sequence[int]:
        """Every record that holds the key: needed only when it crosses its limit."""
        ...

    def generic_keys(self) -> frozenset[int]:
        """Every key that was last told to be generic."""
        ...

    def lock_generic(self, keys: Sequence[int]) -> frozenset[int]:
        """The same, and nobody else tells anything about these keys until the end.

        Once a transaction: what is asked for later would be locked out of order.
        """
        ...

    def set_generic(self, keys: Mapping[int, bool], *, at: Micros) -> None: ...
    def versions(self, numbers: Sequence[int]) -> Mapping[int, int]: ...
    def lock_components(self, components: Sequence[int], *, wait: bool = True) -> frozenset[int]:
        """Locks in the order of component ids until the transaction ends.

        Gives those that are components under the lock; what has become part of another is none.
        Those that somebody else holds are left out, unless they are to be waited for.
        """
        ...

    def edges_of(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        """Those with an end at one of these records, whichever."""
        ...

    def remove_edges(self, pairs: Sequence[tuple[int, int]]) -> None: ...
    def put_edges(self, edges: Sequence[StoredEdge]) -> None: ...
    def put_memberships(self, members: Sequence[Member]) -> None: ...
    def profiles(self, ids: Sequence[ProfileId]) -> dict[ProfileId, StoredProfile]: ...
    def held_profiles(
        self, ids: Sequence[ProfileId], *, touched: Sequence[ProfileId]
    ) -> frozenset[ProfileId]:
        """Those that a record is in, with what this transaction wrote; their rows stay locked.

        `touched` are all profiles of which this transaction writes any.
        """
        ...

    def put_profiles(self, profiles: Sequence[StoredProfile], *, at: Micros) -> None: ...
    def enter(self, intervals: Sequence[Interval]) -> None: ...
    def leave(self, intervals: Sequence[Interval]) -> None: ...
    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Into the outbox; the relay sends them after the commit."""
        ...

    def review(self, items: Sequence[ReviewItem], *, at: Micros) -> None:
        """Park for a person; an open item of the same kind and subject is kept."""
        ...

    def set_aside(self, components: Sequence[int], *, at: Micros) -> None:
        """These wait for `take_set_aside`; until then nothing is clean."""
        ...

    def clear_set_aside(self, components: Sequence[int]) -> None: ...
    def take_set_aside(self) -> int | None:
        """One component that waits, locked as `lock_components` does; None when none does."""
        ...

    # standing
    def oldest_mark(self) -> Micros | None:
        """Since when the oldest dirty mark waits."""
        ...

    def unsent(self, letters_max: int) -> Sequence[tuple[int, OutgoingMessage]]:
        """Outbox rows in order, of buckets that no other relay holds."""
        ...

    def delete_sent(self, sequences: Sequence[int]) -> None: ...
    def set_progress(
        self, group: str, *, as_of: str, pending_since: Micros | None, at: Micros
    ) -> None: ...


class LostPartition(Exception):  # noqa: N818  # not an error: the group gave the partition away
    """Another worker landed these messages; drop what was polled and seek again."""


class ResolverStore(Protocol):
    """Gives transactions. An error inside one rolls all of it back."""

    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def record_numbers(self) -> Iterator[Sequence[int]]:
        """All records, in bounded batches, each read outside of any transaction."""
        ...

    def pending_work(self) -> int: ...
    def snapshot(self) -> AbstractContextManager["Snapshot"]: ...


class ReadableStore(Protocol):
    """Gives readings, each of the state at one instant."""

    def reading(self) -> AbstractContextManager[Reading]: ...
    def close(self) -> None: ...


class Snapshot(Protocol):
    """The whole derived state at one instant, in orders that depend on nothing but itself.

    Records without events are left out: they are in no profile, and another order of arrival would
    not have made them.
    """

    def records(self) -> Iterator[tuple[RecordKey, RecordState, ProfileId | None]]: ...
    def record_count(self, sources: Collection[str]) -> int:
        """How many there are of these sources; those without events are counted with them."""
        ...

    def first_records(self, sources: Collection[str], *, records_max: int) -> Sequence[int]:
        """Numbers of these sources' first ones in the order of `records`, which is of hashes."""
        ...

    def edges(self) -> Iterator[tuple[RecordKey, RecordKey, int]]:
        """Both ends and the weight; the smaller key first."""
        ...

    def profiles(self) -> Iterator[tuple[ProfileId, bytes]]: ...
    def memberships(self) -> Iterator[tuple[SegmentId, ProfileId]]: ...
    def accounts(self) -> Iterator[tuple[AccountId, RecordKey, str]]:
        """Which record is in which account in which role."""
        ...

    def is_clean(self) -> bool:
        """Nothing is dirty and no component is set aside."""
        ...
