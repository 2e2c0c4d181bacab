"""The read side's store as plain dictionaries: what tests of the profile API stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.identity.domain.accounts import AccountId
from services.identity.domain.errors import RetryableError
from services.identity.domain.identifiers import IdentityRules, is_blocking_key
from services.identity.domain.ids import ProfileId, SegmentId
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
from services.identity.domain.tracing import Surroundings, TracedEvent
from services.identity.domain.value_word import ValueWord
from services.identity.ports import Message
from services.identity.wire.profiles import decode


@dataclass
class MemoryReads:
    """Fill the dictionaries, then read. `is_down` makes every call fail as a lost database does."""

    views: dict[ProfileId, StoredView] = field(default_factory=dict)
    told: dict[ProfileId, ProfileId] = field(default_factory=dict)
    keys: dict[int, set[ProfileId]] = field(default_factory=dict)
    timelines: dict[ProfileId, list[TimelineRow]] = field(default_factory=dict)
    segment_rows: dict[SegmentId, SegmentRow] = field(default_factory=dict)
    member_rows: dict[SegmentId, list[MemberRow]] = field(default_factory=dict)
    progress_row: ProgressRow | None = None
    source_rows: list[Source] = field(default_factory=list)
    generic_rows: list[GenericRow] = field(default_factory=list)
    value_word_rows: list[ValueWord] = field(default_factory=list)
    ruleset_document: bytes | None = None
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    entries: list[DecisionEntry] = field(default_factory=list)
    traced: dict[UUID, TracedEvent] = field(default_factory=dict)
    around: dict[UUID, Surroundings] = field(default_factory=dict)
    letters: list[Message] | None = field(default_factory=list)
    account_rows: dict[AccountId, list[RecordRow]] = field(default_factory=dict)
    profile_rows: dict[ProfileId, list[RecordRow]] = field(default_factory=dict)
    is_down: bool = False

    async def profile_of(self, told: ProfileId) -> StoredView | None:
        await self.ping()
        return self.views.get(self.told.get(told, told))

    async def profiles_by_keys(
        self, keys: Sequence[int], *, profiles_max: int
    ) -> Sequence[StoredView]:
        await self.ping()
        found = sorted({profile for key in keys for profile in self.keys.get(key, ())})
        return [self.views[profile] for profile in found[:profiles_max]]

    async def records_of_account(
        self, account: AccountId, *, records_max: int
    ) -> Sequence[RecordRow]:
        await self.ping()
        return self.account_rows.get(account, [])[:records_max]

    async def records_of_profiles(
        self, profiles: Sequence[ProfileId], *, records_max: int
    ) -> Sequence[RecordRow]:
        await self.ping()
        rows = [row for each in profiles for row in self.profile_rows.get(each, ())]
        return rows[:records_max]

    async def confidences(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, float]:
        await self.ping()
        views = (self.views[each] for each in profiles if each in self.views)
        return {view.id: decode(view.document).confidence for view in views}

    async def timeline(
        self, profile: ProfileId, *, before: TimelinePlace | None, events_max: int
    ) -> Sequence[TimelineRow]:
        await self.ping()
        rows = sorted(self.timelines.get(profile, ()), key=lambda row: row.place, reverse=True)
        return [row for row in rows if before is None or row.place < before][:events_max]

    async def segments(self) -> Sequence[SegmentRow]:
        await self.ping()
        return [self.segment_rows[segment] for segment in sorted(self.segment_rows)]

    async def segment(self, segment: SegmentId) -> SegmentRow | None:
        await self.ping()
        return self.segment_rows.get(segment)

    async def members(
        self, segment: SegmentId, *, after: ProfileId | None, members_max: int
    ) -> Sequence[MemberRow]:
        await self.ping()
        rows = sorted(self.member_rows.get(segment, ()), key=lambda row: row.profile)
        return [row for row in rows if after is None or row.profile > after][:members_max]

    async def progress(self) -> ProgressRow | None:
        await self.ping()
        return self.progress_row

    async def sources(self) -> Sequence[Source]:
        await self.ping()
        return list(self.source_rows)

    async def generic_keys(self, *, of_blocking: bool, keys_max: int) -> Sequence[GenericRow]:
        await self.ping()
        rows = [row for row in self.generic_rows if is_blocking_key(row.key) is of_blocking]
        newest = sorted(rows, key=lambda row: (-row.since, row.key))[:keys_max]
        return sorted(newest, key=lambda row: (-row.holders, row.key))

    async def ruleset(self) -> bytes | None:
        await self.ping()
        return self.ruleset_document

    async def value_words(self) -> Sequence[ValueWord]:
        await self.ping()
        return list(self.value_word_rows)

    async def api_key(self, prefix: str) -> ApiKey | None:
        await self.ping()
        return self.api_keys.get(prefix)

    async def append(self, entry: DecisionEntry) -> None:
        await self.ping()
        self.entries.append(entry)

    async def traced_events(self, event_ids: Sequence[UUID]) -> Sequence[TracedEvent]:
        await self.ping()
        return [self.traced[event_id] for event_id in event_ids if event_id in self.traced]

    async def surroundings(self, traced: TracedEvent, rules: IdentityRules) -> Surroundings:
        await self.ping()
        del rules  # what is around was put here as it is
        return self.around.get(traced.event_id, Surroundings())

    async def letters_of(self, message_id: str) -> Sequence[Message] | None:
        await self.ping()
        if self.letters is None:
            return None
        named = message_id.encode()
        return [each for each in self.letters if named in (each.value or b"")]

    async def ping(self) -> None:
        if self.is_down:
            raise RetryableError("the store is down")

    async def close(self) -> None:
        """Nothing is held open."""
