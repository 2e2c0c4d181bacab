"""What landing reads and writes, in PostgreSQL: records, events, dedupe, keys, marks, offsets."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import psycopg

from services.identity.adapters.sql.arrays import Byteas, Int8s, Uuids, encode_int8s
from services.identity.adapters.sql.integer_copy import copy_integers
from services.identity.adapters.sql.row_copy import copy_rows, int4, int8, raw, text, uuid
from services.identity.domain.ids import Micros, ProfileId, RecordKey, profile_id_of
from services.identity.domain.record import RecordState
from services.identity.ports import Position
from services.identity.store import (
    DedupeEntry,
    LostPartition,
    RestartBatch,
    StoredEvent,
    StoredRecord,
)
from services.identity.store_marks import MarkKind

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(RecordState)
_COLUMNS = "id, source, key_kind, key, state, features, keys, version"


def encode_state(state: RecordState) -> bytes:
    return _encoder.encode(state)


def decode_state(raw: bytes) -> RecordState:
    return _decoder.decode(raw)


def read_record(row: tuple[Any, ...]) -> StoredRecord:
    number, source, kind, key, state, features, keys, version = row
    return StoredRecord(
        number, RecordKey(source, kind, key), _decoder.decode(state), features, keys, version
    )


@lru_cache(maxsize=16_384)
def uid_of(key: RecordKey) -> bytes:
    return bytes_of(profile_id_of(key))


def bytes_of(profile: ProfileId) -> bytes:
    """A profile id's sixteen bytes: they sort as PostgreSQL sorts a uuid."""
    return bytes.fromhex(profile.replace("-", ""))


class LandingWrites:
    """The landing half of a transaction; see services/identity/store.py for what each one does."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        # binary: arrays and bytea come back without being parsed from text
        self._cursor.execute(query, parameters, binary=True)
        return self._cursor.fetchall()

    def _do(self, query: str, *parameters: object) -> int:
        self._cursor.execute(query, parameters)
        return self._cursor.rowcount

    def _has(self, question: str) -> bool:
        """Asked before thousands of numbers are sent to a table that is nearly always empty."""
        return bool(self._rows(question)[0][0])

    def lock_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, StoredRecord]:
        uids = sorted(uid_of(key) for key in keys)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM record WHERE uid = ANY(%s) ORDER BY uid FOR UPDATE",
            Uuids(uids),
        )
        return {(stored := read_record(row)).key: stored for row in rows}

    def lock_record_numbers(
        self, numbers: Sequence[int], *, waits: bool = True
    ) -> dict[int, StoredRecord]:
        try:
            rows = self._rows(
                f"SELECT {_COLUMNS} FROM record WHERE id = ANY(%s) ORDER BY uid FOR UPDATE"
                f" {'' if waits else 'NOWAIT'}",
                list(numbers),
            )
        except psycopg.errors.LockNotAvailable:
            raise RestartBatch("another worker holds a record that an event left") from None
        return {row[0]: read_record(row) for row in rows}

    def new_record_numbers(self, count: int) -> Sequence[int]:
        if not count:
            return ()
        rows = self._rows(
            "SELECT nextval(pg_get_serial_sequence('record', 'id')) FROM generate_series(1, %s)",
            count,
        )
        return [row[0] for row in rows]

    def add_dedupe(self, entries: Sequence[DedupeEntry]) -> dict[UUID, DedupeEntry]:
        ordered = sorted(entries, key=lambda entry: entry.event_id.bytes)
        added = self._rows(
            "INSERT INTO dedupe (event_id, occurred_at, content_hash, record, copies)"
            " SELECT * FROM unnest(%s::uuid[], %s::int8[], %s::bytea[], %s::int8[], %s::int8[])"
            " ON CONFLICT DO NOTHING RETURNING event_id",
            Uuids(entry.event_id.bytes for entry in ordered),
            Int8s([entry.occurred_at for entry in ordered]),
            Byteas(entry.content_hash for entry in ordered),
            Int8s([entry.record for entry in ordered]),
            Int8s([entry.copies for entry in ordered]),
        )
        if len(added) == len(ordered):
            return {}
        fresh = {row[0] for row in added}
        known = [entry.event_id for entry in ordered if entry.event_id not in fresh]
        rows = self._rows(
            "SELECT event_id, occurred_at, content_hash, record, copies FROM dedupe"
            " WHERE event_id = ANY(%s) ORDER BY event_id FOR UPDATE",
            known,
        )
        return {row[0]: DedupeEntry(*row) for row in rows}

    def update_dedupe(self, entries: Sequence[DedupeEntry]) -> None:
        if not entries:
            return
        self._do(
            "UPDATE dedupe d SET occurred_at = n.o, content_hash = n.h, record = n.r, copies = n.c"
            " FROM unnest(%s::uuid[], %s::int8[], %s::bytea[], %s::int8[], %s::int4[])"
            " AS n(e, o, h, r, c) WHERE d.event_id = n.e",
            [entry.event_id for entry in entries],
            [entry.occurred_at for entry in entries],
            [entry.content_hash for entry in entries],
            [entry.record for entry in entries],
            [entry.copies for entry in entries],
        )

    def events_of(self, records: Sequence[int]) -> Sequence[StoredEvent]:
        rows = self._rows(
            "SELECT record, occurred_at, event_id, body, coalesce(partition, 0),"
            ' coalesce("offset", 0) FROM event WHERE record = ANY(%s)'
            " ORDER BY record, occurred_at, event_id",
            list(records),
        )
        return [StoredEvent(*row) for row in rows]

    def add_events(self, events: Sequence[StoredEvent]) -> None:
        if events:
            copy_rows(
                self._cursor,
                'event (record, occurred_at, event_id, body, partition, "offset")',
                (
                    (
                        int8(e.record),
                        int8(e.occurred_at),
                        uuid(e.event_id),
                        raw(e.body),
                        int4(e.partition),
                        int8(e.offset),
                    )
                    for e in events
                ),
            )

    def remove_events(self, events: Sequence[tuple[int, Micros, UUID]]) -> None:
        self._do(
            "DELETE FROM event e USING unnest(%s::int8[], %s::int8[], %s::uuid[]) AS n(r, o, i)"
            " WHERE e.record = n.r AND e.occurred_at = n.o AND e.event_id = n.i",
            [each[0] for each in events],
            [each[1] for each in events],
            [each[2] for each in events],
        )

    def add_records(self, records: Sequence[StoredRecord]) -> None:
        if not records:
            return
        try:
            copy_rows(
                self._cursor,
                "record (id, uid, source, key_kind, key, state, features, keys, version)",
                (
                    (
                        int8(r.number), raw(uid_of(r.key)), text(r.key.source), text(r.key.kind),
                        text(r.key.key), raw(encode_state(r.state)), raw(r.features),
                        raw(encode_int8s(r.keys)), int8(r.version),
                    )
                    for r in sorted(records, key=lambda r: uid_of(r.key))
                ),
            )  # fmt: skip
        except psycopg.errors.UniqueViolation:
            raise RestartBatch("another worker added one of these records") from None
        numbers = np.array([r.number for r in records], dtype=np.int64)
        copy_integers(self._cursor, "membership (record, component)", (numbers, numbers))

    def update_records(self, records: Sequence[StoredRecord]) -> None:
        if not records:
            return
        self._cursor.executemany(
            "UPDATE record SET state = %b, features = %b, keys = %b, version = %b WHERE id = %b",
            [
                (encode_state(r.state), r.features, Int8s(r.keys), r.version, r.number)
                for r in records
            ],
        )

    def update_states(self, records: Sequence[StoredRecord]) -> None:
        if records:
            self._do(
                "UPDATE record r SET state = n.s, version = n.v"
                " FROM unnest(%s, %s, %s) AS n(id, s, v) WHERE r.id = n.id",
                Int8s([r.number for r in records]),
                Byteas(encode_state(r.state) for r in records),
                Int8s([r.version for r in records]),
            )

    def add_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        if keys:
            rows = np.array(keys, dtype=np.int64)
            rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
            copy_integers(self._cursor, "key (key, record)", (rows[:, 0], rows[:, 1]))

    def remove_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        if keys:
            self._do(
                "DELETE FROM key k USING unnest(%s::int8[], %s::int8[]) AS n(k, r)"
                " WHERE k.key = n.k AND k.record = n.r",
                Int8s([key for key, _ in keys]),
                Int8s([record for _, record in keys]),
            )

    def mark(self, marks: Iterable[tuple[MarkKind, int, Micros]]) -> None:
        rows = [(int(kind), subject, since) for kind, subject, since in marks]
        if rows:
            found = np.array(rows, dtype=np.int64)
            kinds = found[:, 0].astype(np.int16)
            columns = (kinds, found[:, 1], found[:, 2])
            copy_integers(self._cursor, "dirty (kind, subject, since)", columns)

    def next_offsets(self, group: str) -> Mapping[tuple[str, int], int]:
        rows = self._rows(
            "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer_group = %s",
            group,
        )
        return {(topic, index): offset for topic, index, offset in rows}

    def advance_offsets(self, group: str, moves: Sequence[tuple[int, Position]]) -> None:
        """All statements are sent at once: none waits for the answer to the one before."""
        if not moves:
            return
        places = [(group, p.partition.topic, p.partition.index) for _, p in moves]
        new = [place for place, (expected, _) in zip(places, moves, strict=True) if expected == 0]
        if new:
            self._cursor.executemany(
                "INSERT INTO consumer_offset VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING", new
            )
        self._cursor.executemany(
            "UPDATE consumer_offset SET next_offset = %s WHERE consumer_group = %s"
            " AND topic = %s AND partition = %s AND next_offset = %s",
            [
                (position.next_offset, *place, expected)
                for place, (expected, position) in zip(places, moves, strict=True)
            ],
        )
        if self._cursor.rowcount != len(moves):
            raise LostPartition("an offset was moved by another worker")
