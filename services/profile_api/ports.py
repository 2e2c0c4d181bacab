"""What the profile API asks of its store. `adapters/sql` answers, `adapters/memory` in tests."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

from services.identity.domain.accounts import AccountId
from services.identity.domain.explained import Explained, How, Subject, Unexplained, WhyNot
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros, ProfileId, SegmentId
from services.identity.domain.reading import (
    ApiKey,
    DecisionEntry,
    GenericRow,
    MemberRow,
    ProgressRow,
    RecordRow,
    SegmentRow,
    StoredView,
    TimelinePlace,
    TimelineRow,
)
from services.identity.domain.source import Source
from services.identity.domain.steward import CommandId, Verdict
from services.identity.domain.stewarding import ListedDecision, Made, Marked, Refused
from services.identity.domain.tracing import Surroundings, TracedEvent
from services.identity.domain.value_word import ValueVerdict, ValueWord
from services.identity.ports import Message
from services.identity.store_steward import ReviewItem


class TraceReads(Protocol):
    """What a trace asks; every method raises RetryableError as those of ProfileReads do."""

    async def traced_events(self, event_ids: Sequence[UUID]) -> Sequence[TracedEvent]: ...
    async def surroundings(self, traced: TracedEvent, rules: IdentityRules) -> Surroundings: ...
    async def letters_of(self, message_id: str) -> Sequence[Message] | None:
        """Entries of the dead-letter topic that name this id; None where it cannot be read."""
        ...


class AccountReads(Protocol):
    """What accounts are answered from; every method raises RetryableError as ProfileReads do."""

    async def records_of_account(
        self, account: AccountId, *, records_max: int
    ) -> Sequence[RecordRow]:
        """The records in an account that stand in a profile today, in a fixed order."""
        ...

    async def records_of_profiles(
        self, profiles: Sequence[ProfileId], *, records_max: int
    ) -> Sequence[RecordRow]: ...
    async def confidences(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, float]: ...


class ProfileReads(TraceReads, AccountReads, Protocol):
    """Every method raises RetryableError when the store cannot be reached in time."""

    async def profile_of(self, told: ProfileId) -> StoredView | None:
        """The profile in which the record behind an id is today. None for an id never told."""
        ...

    async def profiles_by_keys(
        self, keys: Sequence[int], *, profiles_max: int
    ) -> Sequence[StoredView]:
        """Distinct profiles that hold any of these identifier keys, by id."""
        ...

    async def timeline(
        self, profile: ProfileId, *, before: TimelinePlace | None, events_max: int
    ) -> Sequence[TimelineRow]:
        """The newest events before a place, newest first."""
        ...

    async def segments(self) -> Sequence[SegmentRow]: ...
    async def segment(self, segment: SegmentId) -> SegmentRow | None: ...
    async def members(
        self, segment: SegmentId, *, after: ProfileId | None, members_max: int
    ) -> Sequence[MemberRow]:
        """Who is in the segment now, by profile id."""
        ...

    async def progress(self) -> ProgressRow | None: ...
    async def sources(self) -> Sequence[Source]: ...
    async def generic_keys(self, *, of_blocking: bool, keys_max: int) -> Sequence[GenericRow]:
        """The newest ones of identifiers, or of blocking, most holders first."""
        ...

    async def ruleset(self) -> bytes | None:
        """The document of the active rules; None where only the built-in ones are in use."""
        ...

    async def value_words(self) -> Sequence[ValueWord]:
        """Of each value that a steward spoke of the latest word."""
        ...

    async def api_key(self, prefix: str) -> ApiKey | None: ...
    async def ping(self) -> None:
        """Raises RetryableError unless the store answers and its schema is there."""
        ...

    async def close(self) -> None: ...


class Explainer(Protocol):
    """Works out again why records stand as they do. Raises RetryableError as the reads do."""

    async def explain(self, one: Subject, other: Subject) -> Explained | Unexplained: ...
    async def why_not(self, one: Subject, other: Subject) -> WhyNot | Unexplained: ...
    async def how(self, subject: Subject) -> How | Unexplained: ...
    async def close(self) -> None: ...


class Steward(Protocol):
    """Takes stewards' decisions; raises RetryableError when store or log cannot be reached."""

    async def decide(
        self, verdict: Verdict, one: Subject, other: Subject, *, at: Micros, by: str, reason: str
    ) -> Made | Refused: ...
    async def withdraw(
        self, decision: CommandId, *, at: Micros, by: str, reason: str
    ) -> Made | Refused: ...
    async def mark(
        self,
        identifiers: AbstractSet[tuple[str, str, str]],
        verdict: ValueVerdict,
        *,
        at: Micros,
        by: str,
        reason: str,
    ) -> Marked | None:
        """None where more values were spoken of than are read."""
        ...

    async def listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> Sequence[ListedDecision]:
        """The latest first."""
        ...

    async def one(self, decision: CommandId) -> ListedDecision | None: ...
    async def reviews(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        """The largest expected effect first."""
        ...

    async def review(self, subject: str) -> ReviewItem | None: ...
    async def close(self) -> None: ...


class DecisionLog(Protocol):
    async def append(self, entry: DecisionEntry) -> None:
        """Durable when it returns. Raises RetryableError when it cannot be written."""
        ...
