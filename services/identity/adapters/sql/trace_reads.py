"""What a trace reads: an event with its record and its place in the log, what stands around it.

Every statement is bounded, whatever the base, the backlog or the log; what is beyond a bound is
answered as unknown.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    LargeBinary,
    Text,
    Uuid,
    any_,
    bindparam,
    select,
    text,
    tuple_,
)

from services.identity.adapters.sql.async_pool import AsyncPool, Statement, compile_statement
from services.identity.adapters.sql.landing import decode_state
from services.identity.adapters.sql.tables import dedupe, event, membership, profile, record
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.reading import Stay
from services.identity.domain.tracing import (
    LogPlace,
    Surroundings,
    TracedEvent,
    TracedKey,
    TracedNeighbour,
    TracedProfile,
)
from services.identity.ports import Message, Partition
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC

TRACES_MAX = 20  # sources in which one message id may stand
NEIGHBOURS_MAX = 50  # candidates, and edges
QUEUE_LOOKED_THROUGH_MAX = 10_000  # rows of the outbox and of dirty marks
LETTERS_LOOKED_THROUGH_MAX = 20_000  # of the newest dead letters

_KEYS = """
SELECT w.key, EXISTS (SELECT FROM generic_key g WHERE g.key = w.key) AS told,
  (SELECT count(*) FROM (SELECT FROM key k WHERE k.key = w.key LIMIT :counted) AS held) AS holders
FROM unnest(:keys) AS w (key) ORDER BY w.key
"""
_CANDIDATES = """
SELECT r.source, r.key_kind, r.key, m.profile, count(*) AS keys, 0 AS weight
FROM key k JOIN record r ON r.id = k.record LEFT JOIN membership m ON m.record = k.record
WHERE k.key = ANY(:keys) AND k.record <> :record
GROUP BY r.id, m.profile ORDER BY count(*) DESC, r.uid LIMIT :neighbours
"""
_EDGES = """
SELECT r.source, r.key_kind, r.key, o.profile, 0 AS keys, e.weight
FROM membership o JOIN record r ON r.id = o.record
JOIN edge e ON e.a = least(o.record, :record) AND e.b = greatest(o.record, :record)
WHERE o.component = :component AND o.record <> :record
ORDER BY e.weight DESC, r.uid LIMIT :neighbours
"""
_STAYS = """
SELECT segment, entered_at FROM segment_membership
WHERE profile = :profile AND left_at IS NULL ORDER BY segment
"""
_WAITS = """
SELECT count(*) FILTER (WHERE kind IN (1, 2) AND subject = :record) AS found, count(*) AS looked
FROM (SELECT kind, subject FROM dirty ORDER BY seq LIMIT :looked_max) AS first
"""
_UNSENT = """
SELECT count(*) FILTER (WHERE key = :profile_key) AS found, count(*) AS looked
FROM (SELECT key FROM outbox ORDER BY seq LIMIT :looked_max) AS first
"""
_TOPIC = "SELECT EXISTS (SELECT FROM log_partition WHERE topic = :topic) AS is_here"
_LETTERS = """
SELECT partition, "offset", appended_at, key, value FROM (
  SELECT * FROM log_record WHERE topic = :topic
  ORDER BY partition DESC, "offset" DESC LIMIT :looked_max
) AS newest WHERE position(:needle IN value) > 0 ORDER BY partition, "offset"
"""
_TYPES: dict[str, Any] = {
    "keys": ARRAY(BigInteger),
    "profile": Uuid(),
    "profile_key": LargeBinary(),
    "topic": Text(),
    "needle": LargeBinary(),
}


def _compiled(sql: str) -> Statement:
    statement = text(sql)
    names = statement._bindparams  # noqa: SLF001  # their only list
    return compile_statement(
        statement.bindparams(*(bindparam(n, type_=_TYPES.get(n, BigInteger())) for n in names))
    )


def _events() -> Statement:
    counts = tuple_(event.c.record, event.c.occurred_at, event.c.event_id) == tuple_(
        dedupe.c.record, dedupe.c.occurred_at, dedupe.c.event_id
    )
    return compile_statement(
        select(
            dedupe.c.event_id,
            dedupe.c.occurred_at,
            dedupe.c.copies,
            event.c.body,
            event.c.partition,
            event.c.offset,
            record.c.id,
            record.c.source,
            record.c.key_kind,
            record.c.key,
            record.c.version,
            record.c.state,
            record.c["keys"],
            membership.c.component,
            membership.c.profile,
            profile.c.document,
            profile.c.sequence,
            profile.c.changed_at,
        )
        .select_from(dedupe.join(event, counts))
        .join(record, record.c.id == dedupe.c.record)
        .outerjoin(membership, membership.c.record == record.c.id)
        .outerjoin(profile, profile.c.id == membership.c.profile)
        .where(dedupe.c.event_id == any_(bindparam("event_ids", type_=ARRAY(Uuid))))
        .order_by(record.c.source)
        .limit(TRACES_MAX)
    )


class SqlTraceReads:
    """The reads of a trace. Each method is a few short statements."""

    def __init__(self, pool: AsyncPool) -> None:
        self._trace_pool = pool
        self._traced = _events()
        self._trace = {
            sql: _compiled(sql)
            for sql in (
                *(_KEYS, _CANDIDATES, _EDGES, _STAYS, _WAITS, _UNSENT),
                *(_TOPIC, _LETTERS),
            )
        }

    async def _rows(self, sql: str, **values: object) -> list[Any]:
        return await self._trace_pool.fetch(self._trace[sql], **values)

    async def traced_events(self, event_ids: Sequence[UUID]) -> Sequence[TracedEvent]:
        rows = await self._trace_pool.fetch(self._traced, event_ids=list(event_ids))
        return [_traced(row) for row in rows]

    async def surroundings(self, traced: TracedEvent, rules: IdentityRules) -> Surroundings:
        counted = max(rules.generic_holders_max, *rules.said.values(), 0) + 1
        rows = await self._rows(_KEYS, keys=list(traced.keys), counted=counted)
        keys = [TracedKey(key=r["key"], holders=r["holders"], told=r["told"]) for r in rows]
        pairing = [k.key for k in keys if k.holders <= rules.holders_max(k.key)]
        bounds = {"record": traced.number, "neighbours": NEIGHBOURS_MAX}
        candidates = await self._rows(_CANDIDATES, keys=pairing, **bounds)
        edges = await self._rows(_EDGES, component=traced.component or 0, **bounds)
        told = None if traced.profile is None else traced.profile.id
        stays = await self._rows(_STAYS, profile=UUID(told)) if told else []
        looked = QUEUE_LOOKED_THROUGH_MAX
        waits = await self._rows(_WAITS, record=traced.number, looked_max=looked)
        key = (told or "").encode()
        unsent = await self._rows(_UNSENT, profile_key=key, looked_max=looked)
        waiting, changes = _found(waits[0]), _found(unsent[0])
        return Surroundings(
            keys=keys,
            candidates=[_neighbour(row) for row in candidates],
            edges=[_neighbour(row) for row in edges],
            stays=[Stay(segment=SegmentId(s), entered_at=Micros(at)) for s, at in stays],
            waits=None if waiting is None else waiting > 0,
            unsent=changes,
        )

    async def letters_of(self, message_id: str) -> Sequence[Message] | None:
        """Entries of the dead-letter topic that name this id; None where the log is not here."""
        (log,) = await self._rows(_TOPIC, topic=DEAD_LETTER_TOPIC)
        if not log["is_here"]:
            return None
        rows = await self._rows(
            _LETTERS,
            topic=DEAD_LETTER_TOPIC,
            needle=b'"messageId":' + msgspec.json.encode(message_id),
            looked_max=LETTERS_LOOKED_THROUGH_MAX,
        )
        return [
            Message(
                partition=Partition(DEAD_LETTER_TOPIC, row["partition"]),
                offset=row["offset"],
                appended_at=Micros(row["appended_at"]),
                key=row["key"],
                value=row["value"],
            )
            for row in rows
        ]


def _found(row: Any) -> int | None:  # noqa: ANN401  # asyncpg's records have no types
    """None when nothing was found among as many rows as are looked through."""
    is_known = row["found"] > 0 or row["looked"] < QUEUE_LOOKED_THROUGH_MAX
    return int(row["found"]) if is_known else None


def _neighbour(row: Any) -> TracedNeighbour:  # noqa: ANN401  # as above
    return TracedNeighbour(
        record=RecordKey(row["source"], row["key_kind"], row["key"]),
        profile=None if row["profile"] is None else ProfileId(str(row["profile"])),
        keys=row["keys"],
        weight=row["weight"],
    )


def _traced(row: Any) -> TracedEvent:  # noqa: ANN401  # as above
    told = row["profile"]
    return TracedEvent(
        event_id=UUID(int=row["event_id"].int),
        occurred_at=Micros(row["occurred_at"]),
        copies=row["copies"],
        body=row["body"],
        place=None if row["offset"] is None else LogPlace(TOPIC, row["partition"], row["offset"]),
        number=row["id"],
        component=row["component"],
        record=RecordKey(row["source"], row["key_kind"], row["key"]),
        version=row["version"],
        state=decode_state(row["state"]),
        keys=row["keys"],
        profile=None
        if told is None or row["sequence"] is None
        else TracedProfile(
            id=ProfileId(str(told)),
            document=row["document"],
            sequence=row["sequence"],
            changed_at=Micros(row["changed_at"]),
        ),
    )
