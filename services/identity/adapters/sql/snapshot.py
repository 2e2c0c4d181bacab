"""The derived state read whole, in one order: what the state hash and the export are made of."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from services.identity.adapters.sql.engine import Connection
from services.identity.adapters.sql.landing import decode_state
from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import ProfileId, RecordKey, SegmentId
from services.identity.domain.record import RecordState

ROWS_FETCHED = 5_000


class SqlSnapshot:
    """Ordered by uid, the hash of a record's key, so that surrogates cannot show."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursors = 0

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        self._cursors += 1
        with self._connection.cursor(f"snapshot_{self._cursors}", binary=True) as cursor:
            cursor.itersize = ROWS_FETCHED
            cursor.execute(query)
            yield from cursor

    def records(self) -> Iterator[tuple[RecordKey, RecordState, ProfileId | None]]:
        rows = self._stream(
            "SELECT r.source, r.key_kind, r.key, r.state, m.profile FROM record r"
            " JOIN membership m ON m.record = r.id ORDER BY r.uid"
        )
        for source, kind, key, raw, profile in rows:
            state = decode_state(raw)
            if not state.is_empty:
                yield (
                    RecordKey(source, kind, key),
                    state,
                    None if profile is None else ProfileId(str(profile)),
                )

    def record_count(self, sources: Collection[str]) -> int:
        row = self._connection.execute(
            "SELECT count(*) FROM record WHERE source = ANY(%s)", (sorted(sources),)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def first_records(self, sources: Collection[str], *, records_max: int) -> Sequence[int]:
        rows = self._connection.execute(
            "SELECT id FROM record WHERE source = ANY(%s) ORDER BY uid LIMIT %s",
            (sorted(sources), records_max),
        ).fetchall()
        return [row[0] for row in rows]

    def edges(self) -> Iterator[tuple[RecordKey, RecordKey, int]]:
        rows = self._stream(
            "SELECT a.source, a.key_kind, a.key, b.source, b.key_kind, b.key, e.weight FROM edge e"
            " JOIN record a ON a.id = e.a JOIN record b ON b.id = e.b"
            " ORDER BY least(a.uid, b.uid), greatest(a.uid, b.uid)"
        )
        for row in rows:
            low, high = sorted((RecordKey(*row[:3]), RecordKey(*row[3:6])))
            yield low, high, row[6]

    def profiles(self) -> Iterator[tuple[ProfileId, bytes]]:
        rows = self._stream(
            "SELECT id, document FROM profile WHERE document IS NOT NULL ORDER BY id"
        )
        for profile, document in rows:
            yield ProfileId(str(profile)), document

    def memberships(self) -> Iterator[tuple[SegmentId, ProfileId]]:
        rows = self._stream(
            "SELECT segment, profile FROM segment_membership WHERE left_at IS NULL"
            ' ORDER BY segment COLLATE "C", profile'
        )
        for segment, profile in rows:
            yield SegmentId(segment), ProfileId(str(profile))

    def accounts(self) -> Iterator[tuple[AccountId, RecordKey, str]]:
        rows = self._stream(
            "SELECT m.account, r.source, r.key_kind, r.key, m.role FROM account_membership m"
            ' JOIN record r ON r.id = m.record ORDER BY m.account, r.uid, m.role COLLATE "C"'
        )
        for account, source, kind, key, role in rows:
            yield AccountId(str(account)), RecordKey(source, kind, key), role

    def is_clean(self) -> bool:
        row = self._connection.execute(
            "SELECT NOT EXISTS (SELECT FROM dirty) AND NOT EXISTS (SELECT FROM set_aside)"
            " AND NOT EXISTS (SELECT FROM layout)"
        ).fetchone()
        return row is not None and bool(row[0])
