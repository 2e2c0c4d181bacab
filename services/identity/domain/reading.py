"""What the read side is given: rows as values, whoever stores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.record import RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A segment that a profile is in now, and since when."""

    segment: SegmentId
    entered_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredView:
    """A profile as it stands: its document (see wire/profiles.py) and its current segments."""

    id: ProfileId
    document: bytes
    stays: Sequence[Stay]


@dataclass(frozen=True, slots=True, order=True)
class TimelinePlace:
    """A place in a timeline: events before it are older, or as old with a smaller id."""

    occurred_at: Micros
    event_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One event of a profile. `body` is a message of channel-events."""

    place: TimelinePlace
    record: RecordKey
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """A segment's document and how many profiles are in it now."""

    id: SegmentId
    document: Mapping[str, object]
    version: int
    changed_at: Micros
    member_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    profile: ProfileId
    entered_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRow:
    """Up to where the log is resolved, and since when the oldest unresolved message waits."""

    as_of: str
    pending_since: Micros | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A record with the profile it stands in; `features` as the resolver derived them."""

    profile: ProfileId
    key: RecordKey
    state: RecordState
    features: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericRow:
    """A key that too many records hold to tie any of them; `holders` are counted to a bound.

    `type` and `value` of an identifier; None for a blocking key, of which nobody keeps the values.
    """

    key: int
    since: Micros
    holders: int
    type: str | None
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A caller's key as it is kept: never the secret, only its keyed hash."""

    prefix: str
    key_hash: bytes
    scopes: frozenset[str]
    label: str
    created_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEntry:
    """A decision as it is logged: what was asked, what was seen and answered."""

    id: UUID
    decided_at: Micros
    profile: ProfileId | None
    request: Mapping[str, object]
    answer: Mapping[str, object]
