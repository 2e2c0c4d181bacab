"""Point reads of profiles, timelines and segments: Core statements, run by asyncpg."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from services.identity.adapters.sql.account_reads import SqlAccountReads
from services.identity.adapters.sql.async_pool import AsyncPool, compile_statement
from services.identity.adapters.sql.generic_reads import SqlGenericReads
from services.identity.adapters.sql.sources import read_source
from services.identity.adapters.sql.tables import (
    api_key,
    decision,
    event,
    key,
    membership,
    profile,
    progress,
    record,
    ruleset,
    segment,
    segment_membership,
    source,
)
from services.identity.adapters.sql.trace_reads import SqlTraceReads
from services.identity.adapters.sql.value_words import VALUE_WORDS, decode_value_word
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.reading import (
    ApiKey,
    MemberRow,
    ProgressRow,
    SegmentRow,
    Stay,
    StoredView,
    TimelinePlace,
    TimelineRow,
)
from services.identity.domain.source import Source
from services.identity.domain.value_word import ValueWord

HOLDERS_READ_MAX = 10_000  # of one lookup: a value on more records is told apart by nobody
LAST_PLACE = TimelinePlace(Micros(2**63 - 1), UUID(int=2**128 - 1))  # after every event
NO_PROFILE = ProfileId(str(UUID(int=0)))  # before every uuid5
RESOLVER_GROUP = "resolver"


def _views() -> Select[Any]:
    """Profiles with their current segments, a row each."""
    current = segment_membership.c
    stays = (
        select(
            func.array_agg(aggregate_order_by(current.segment, current.segment)).label("segments"),
            func.array_agg(aggregate_order_by(current.entered_at, current.segment)).label("since"),
        )
        .where(current.profile == profile.c.id, current.left_at.is_(None))
        .lateral("stays")
    )
    return (
        select(profile.c.id, profile.c.document, stays.c.segments, stays.c.since)
        .select_from(profile.join(stays, true()))
        .where(profile.c.document.is_not(None))
    )


def _profile_of() -> Select[Any]:
    held = (
        select(membership.c.profile)
        .join(record, record.c.id == membership.c.record)
        .where(record.c.uid == bindparam("told", type_=Uuid()))
    )
    return _views().where(profile.c.id == held.scalar_subquery())


def _profiles_by_keys() -> Select[Any]:
    wanted = bindparam("keys", type_=ARRAY(BigInteger))
    holders = select(key.c.record).where(key.c.key == any_(wanted)).limit(HOLDERS_READ_MAX)
    held = select(membership.c.profile).where(membership.c.record.in_(holders))
    return (
        _views()
        .where(profile.c.id.in_(held))
        .order_by(profile.c.id)
        .limit(bindparam("profiles_max", type_=BigInteger()))
    )


def _timeline() -> Select[Any]:
    """A bounded part of each record's own order, merged: never the whole history of anyone."""
    before_at = bindparam("before_at", type_=BigInteger())
    before_id = bindparam("before_id", type_=Uuid())
    limit = bindparam("events_max", type_=BigInteger())
    newest = (
        select(event.c.occurred_at, event.c.event_id, event.c.body)
        .where(
            event.c.record == membership.c.record,
            tuple_(event.c.occurred_at, event.c.event_id) < tuple_(before_at, before_id),
        )
        .order_by(event.c.occurred_at.desc(), event.c.event_id.desc())
        .limit(limit)
        .lateral("newest")
    )
    return (
        select(newest, record.c.source, record.c.key_kind, record.c.key)
        .select_from(membership.join(newest, true()))
        .join(record, record.c.id == membership.c.record)
        .where(membership.c.profile == bindparam("profile", type_=Uuid()))
        .order_by(newest.c.occurred_at.desc(), newest.c.event_id.desc())
        .limit(limit)
    )


def _segments() -> Select[Any]:
    current = segment_membership.c
    count = (
        select(func.count())
        .where(current.segment == segment.c.id, current.left_at.is_(None))
        .scalar_subquery()
    )
    return select(segment, count.label("member_count")).order_by(segment.c.id)


def _members() -> Select[Any]:
    current = segment_membership.c
    after = bindparam("after", type_=Uuid())
    return (
        select(current.profile, current.entered_at)
        .where(
            current.segment == bindparam("segment", type_=Text()),
            current.left_at.is_(None),
            current.profile > after,
        )
        .order_by(current.profile)
        .limit(bindparam("members_max", type_=BigInteger()))
    )


class SqlReads(SqlGenericReads, SqlTraceReads, SqlAccountReads):
    """The reads of services/profile_api/ports.py. Each is one statement, one round trip."""

    def __init__(self, pool: AsyncPool) -> None:
        SqlGenericReads.__init__(self, pool)
        SqlTraceReads.__init__(self, pool)
        SqlAccountReads.__init__(self, pool)
        self._pool = pool
        self._profile_of = compile_statement(_profile_of())
        self._profiles_by_keys = compile_statement(_profiles_by_keys())
        self._timeline = compile_statement(_timeline())
        self._segments = compile_statement(_segments())
        wanted = segment.c.id == bindparam("segment", type_=Text())
        self._segment = compile_statement(_segments().where(wanted))
        self._members = compile_statement(_members())
        group = progress.c.consumer_group == bindparam("consumer_group", type_=Text())
        self._progress = compile_statement(
            select(progress.c.as_of, progress.c.pending_since).where(group)
        )
        active = ruleset.c.is_active
        self._ruleset = compile_statement(select(ruleset.c.document).where(active))
        self._sources = compile_statement(select(source).order_by(source.c.name))
        self._value_words = compile_statement(text(VALUE_WORDS))
        prefix = api_key.c.prefix == bindparam("prefix", type_=Text())
        self._api_key = compile_statement(select(api_key).where(prefix))
        self._ping = compile_statement(select(decision.c.id).limit(0))

    async def profile_of(self, told: ProfileId) -> StoredView | None:
        rows = await self._pool.fetch(self._profile_of, told=UUID(told))
        return _view(rows[0]) if rows else None

    async def profiles_by_keys(
        self, keys: Sequence[int], *, profiles_max: int
    ) -> Sequence[StoredView]:
        rows = await self._pool.fetch(
            self._profiles_by_keys, keys=list(keys), profiles_max=profiles_max
        )
        return [_view(row) for row in rows]

    async def timeline(
        self, profile: ProfileId, *, before: TimelinePlace | None, events_max: int
    ) -> Sequence[TimelineRow]:
        rows = await self._pool.fetch(
            self._timeline,
            profile=UUID(profile),
            before_at=(before or LAST_PLACE).occurred_at,
            before_id=(before or LAST_PLACE).event_id,
            events_max=events_max,
        )
        return [_event(row) for row in rows]

    async def segments(self) -> Sequence[SegmentRow]:
        return [_segment(row) for row in await self._pool.fetch(self._segments)]

    async def segment(self, segment: SegmentId) -> SegmentRow | None:
        rows = await self._pool.fetch(self._segment, segment=segment)
        return _segment(rows[0]) if rows else None

    async def members(
        self, segment: SegmentId, *, after: ProfileId | None, members_max: int
    ) -> Sequence[MemberRow]:
        rows = await self._pool.fetch(
            self._members,
            segment=segment,
            after=UUID(after or NO_PROFILE),
            members_max=members_max,
        )
        return [
            MemberRow(profile=_id(row["profile"]), entered_at=Micros(row["entered_at"]))
            for row in rows
        ]

    async def progress(self) -> ProgressRow | None:
        rows = await self._pool.fetch(self._progress, consumer_group=RESOLVER_GROUP)
        return ProgressRow(as_of=rows[0][0], pending_since=rows[0][1]) if rows else None

    async def sources(self) -> Sequence[Source]:
        rows = await self._pool.fetch(self._sources)
        return [_source(row) for row in rows]

    async def ruleset(self) -> bytes | None:
        rows = await self._pool.fetch(self._ruleset)
        return bytes(rows[0]["document"]) if rows else None

    async def value_words(self) -> Sequence[ValueWord]:
        rows = await self._pool.fetch(self._value_words)
        return [decode_value_word(bytes(row["document"])) for row in rows]

    async def api_key(self, prefix: str) -> ApiKey | None:
        rows = await self._pool.fetch(self._api_key, prefix=prefix)
        if not rows:
            return None
        return ApiKey(
            prefix=rows[0]["prefix"],
            key_hash=rows[0]["key_hash"],
            scopes=frozenset(rows[0]["scopes"]),
            label=rows[0]["label"],
            created_at=Micros(rows[0]["created_at"]),
        )

    async def ping(self) -> None:
        await self._pool.fetch(self._ping)

    async def close(self) -> None:
        await self._pool.close()


def _id(value: UUID) -> ProfileId:
    return ProfileId(str(value))


def _view(row: Any) -> StoredView:  # noqa: ANN401  # asyncpg's records have no types
    stays = zip(row["segments"] or (), row["since"] or (), strict=True)
    return StoredView(
        id=_id(row["id"]),
        document=row["document"],
        stays=[Stay(segment=SegmentId(s), entered_at=Micros(at)) for s, at in stays],
    )


def _event(row: Any) -> TimelineRow:  # noqa: ANN401  # asyncpg's records have no types
    return TimelineRow(
        place=TimelinePlace(Micros(row["occurred_at"]), UUID(int=row["event_id"].int)),
        record=RecordKey(row["source"], row["key_kind"], row["key"]),
        body=row["body"],
    )


def _segment(row: Any) -> SegmentRow:  # noqa: ANN401  # asyncpg's records have no types
    return SegmentRow(
        id=SegmentId(row["id"]),
        document=msgspec.json.decode(row["document"], type=dict[str, object]),
        version=row["version"],
        changed_at=Micros(row["changed_at"]),
        member_count=row["member_count"],
    )


def _source(row: Any) -> Source:  # noqa: ANN401  # asyncpg's records have no types
    columns = ("name", "channel", "workspace", "trust", "region", "is_unique")
    mapping = None if row["mapping"] is None else msgspec.json.decode(row["mapping"])
    return read_source((*(row[name] for name in columns), mapping, None))
