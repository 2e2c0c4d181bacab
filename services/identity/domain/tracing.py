"""What is read to trace one event: rows as values, whoever stores them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.reading import Stay
from services.identity.domain.record import RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedProfile:
    """The profile in which the record is today. `sequence` counts the changes told about it."""

    id: ProfileId
    document: bytes | None
    sequence: int
    changed_at: Micros


@dataclass(frozen=True, slots=True, order=True)
class LogPlace:
    """Where a message stands in the log."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedEvent:
    """The copy of an event that counts, with its record as it is now.

    `number` and `component` are the store's surrogates; `body` is a message of channel-events,
    `place` where it was read; None of what landed before that was kept.
    """

    event_id: UUID
    occurred_at: Micros
    copies: int
    body: bytes
    place: LogPlace | None
    number: int
    component: int | None
    record: RecordKey
    version: int
    state: RecordState
    keys: Sequence[int]
    profile: TracedProfile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedKey:
    """`holders` is counted up to one more than a key may have; `told` that it is generic."""

    key: int
    holders: int
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedNeighbour:
    """Another record: by how many keys it is a candidate, or what its edge weighs."""

    record: RecordKey
    profile: ProfileId | None
    keys: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stands around a traced event now.

    `waits` says whether its record is still to be resolved, `unsent` how many changes of its
    profile were not sent yet; None where the queue is too long to be looked through.
    """

    keys: Sequence[TracedKey] = ()
    candidates: Sequence[TracedNeighbour] = ()
    edges: Sequence[TracedNeighbour] = ()
    stays: Sequence[Stay] = ()
    waits: bool | None = False
    unsent: int | None = 0
