"""What resolving reads and writes, in PostgreSQL: marks, candidates, profiles."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

import msgspec

from services.identity.adapters.sql.accounts import AccountWrites
from services.identity.adapters.sql.arrays import Byteas, Int8s, Uuids
from services.identity.adapters.sql.components import ComponentWrites
from services.identity.adapters.sql.landing import bytes_of, read_record, uid_of
from services.identity.adapters.sql.marks import MarkWrites
from services.identity.adapters.sql.pairs import PairWrites
from services.identity.adapters.sql.row_copy import copy_rows, int2, int8, raw, text
from services.identity.adapters.sql.sources import READ, read_source
from services.identity.adapters.sql.steward import StewardWrites
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage
from services.identity.store import (
    ActiveVersions,
    Comparable,
    Interval,
    ReviewItem,
    StoredProfile,
    StoredRecord,
)

# Which words there are: ids are hashes, so that no two sets of one home come to one number.
_VALUE_WORDS = (
    "(SELECT count(*) + coalesce(sum(('x' || left(id, 8))::bit(32)::int8), 0)::int8"
    " FROM value_word)"
)
_ACTIVE = (
    f"SELECT m.version, r.version, {_VALUE_WORDS} FROM model AS m, ruleset AS r"
    " WHERE m.is_active AND r.is_active FOR SHARE"
)
_ACTIVE_MODEL = f"SELECT version, NULL, {_VALUE_WORDS} FROM model WHERE is_active FOR SHARE"
# Whoever waited for a new one to be activated sees no row that is active still: once more.
_OF_ACTIVE: tuple[str, ...] = (_ACTIVE, _ACTIVE, _ACTIVE_MODEL)
GENERIC_LOCK_CLASS = 7_046_030  # first half of the advisory locks that guard generic keys
GENERIC_LOCKS_MAX = 512  # of one transaction: shared memory has room for some thousands in all
ALL_GENERIC_LOCK = 7_046_036  # held alone by who would need more than these, shared by all others
OUTBOX_LOCK_CLASS = 7_046_031
OUTBOX_BUCKETS = 16  # relays share the outbox by hash of the key, so that each key keeps its order


class ResolvingWrites(ComponentWrites, MarkWrites, PairWrites, StewardWrites, AccountWrites):
    """The resolving half of a transaction; see services/identity/store.py."""

    _of_active = _OF_ACTIVE

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint: rolling back to it lets go of the rows locked since."""
        with self._cursor.connection.transaction():
            yield

    def holders(self, limits: Mapping[int, int]) -> Mapping[int, Sequence[int]]:
        rows = self._rows(
            "SELECT k.key, h.record FROM unnest(%s::int8[], %s::int8[]) AS k(key, most)"
            " CROSS JOIN LATERAL (SELECT record FROM key WHERE key.key = k.key"
            " ORDER BY record LIMIT k.most + 1) AS h",
            Int8s(list(limits)),
            Int8s(list(limits.values())),
        )
        result: dict[int, list[int]] = defaultdict(list)
        for key, record in rows:
            result[key].append(record)
        return result

    def holders_of(self, key: int) -> Sequence[int]:
        return [row[0] for row in self._rows("SELECT record FROM key WHERE key = %s", key)]

    def generic_among(self, keys: Sequence[int]) -> frozenset[int]:
        rows = self._rows("SELECT key FROM generic_key WHERE key = ANY(%s)", Int8s(list(keys)))
        return frozenset(row[0] for row in rows)

    def generic_keys(self) -> frozenset[int]:
        return frozenset(row[0] for row in self._rows("SELECT key FROM generic_key"))

    def lock_generic(self, keys: Sequence[int]) -> frozenset[int]:
        """An advisory lock for each key, in order; of very many keys one for all of them."""
        halves = sorted({(key & 0xFFFF_FFFF) - 2**31 for key in keys})
        if len(halves) > GENERIC_LOCKS_MAX:
            self._rows("SELECT pg_advisory_xact_lock(%s)", ALL_GENERIC_LOCK)
        else:
            self._rows("SELECT pg_advisory_xact_lock_shared(%s)", ALL_GENERIC_LOCK)
            self._rows(
                "SELECT pg_advisory_xact_lock(%s, b) FROM unnest(%s::int4[]) AS b",
                GENERIC_LOCK_CLASS,
                halves,
            )
        return self.generic_among(keys)

    def set_generic(self, keys: Mapping[int, bool], *, at: Micros) -> None:
        gone = [key for key, is_generic in keys.items() if not is_generic]
        self._do("DELETE FROM generic_key WHERE key = ANY(%s)", gone)
        self._do(
            "INSERT INTO generic_key (key, since) SELECT k, %s FROM unnest(%s::int8[]) AS k"
            " ON CONFLICT DO NOTHING",
            at,
            sorted(set(keys) - set(gone)),
        )

    def records(self, numbers: Sequence[int]) -> dict[int, StoredRecord]:
        rows = self._rows(
            "SELECT id, source, key_kind, key, state, features, keys, version FROM record"
            " WHERE id = ANY(%s)",
            Int8s(list(numbers)),
        )
        return {row[0]: read_record(row) for row in rows}

    def comparables(self, numbers: Sequence[int]) -> dict[int, Comparable]:
        rows = self._rows(
            "SELECT id, source, key_kind, key, features, version FROM record WHERE id = ANY(%s)",
            Int8s(list(numbers)),
        )
        return {
            number: Comparable(number, RecordKey(source, kind, key), features, version)
            for number, source, kind, key, features, version in rows
        }

    def versions(self, numbers: Sequence[int]) -> Mapping[int, int]:
        rows = self._rows("SELECT id, version FROM record WHERE id = ANY(%s)", Int8s(list(numbers)))
        return dict(rows)

    def records_of(self, profile: ProfileId) -> Sequence[int]:
        rows = self._rows("SELECT record FROM membership WHERE profile = %s", UUID(profile))
        return sorted(row[0] for row in rows)

    def find_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, int]:
        rows = self._rows(
            "SELECT source, key_kind, key, id FROM record WHERE uid = ANY(%s)",
            Uuids(uid_of(key) for key in keys),
        )
        return {RecordKey(*row[:3]): row[3] for row in rows}

    def record_behind(self, profile: ProfileId) -> int | None:
        rows = self._rows("SELECT id FROM record WHERE uid = %s", UUID(profile))
        return rows[0][0] if rows else None

    def profiles(self, ids: Sequence[ProfileId]) -> dict[ProfileId, StoredProfile]:
        rows = self._rows(
            "SELECT id::text, document, version, sequence FROM profile WHERE id = ANY(%s)",
            Uuids(map(bytes_of, ids)),
        )
        return {ProfileId(row[0]): StoredProfile(ProfileId(row[0]), *row[1:]) for row in rows}

    def held_profiles(
        self, ids: Sequence[ProfileId], *, touched: Sequence[ProfileId]
    ) -> frozenset[ProfileId]:
        """Locked first: of two workers that let go of a profile the second must see the first.

        Only while a component is set aside may a profile stand in two: then all are locked now.
        """
        shared = self._rows("SELECT EXISTS (SELECT FROM set_aside)")[0][0]
        locked = Uuids(sorted(map(bytes_of, touched if shared else ids)))
        self._rows("SELECT id FROM profile WHERE id = ANY(%s) ORDER BY id FOR UPDATE", locked)
        uids = sorted(map(bytes_of, ids))
        rows = self._rows(
            "SELECT DISTINCT profile::text FROM membership WHERE profile = ANY(%s)", Uuids(uids)
        )
        return frozenset(ProfileId(row[0]) for row in rows)

    def put_profiles(self, profiles: Sequence[StoredProfile], *, at: Micros) -> None:
        if profiles:
            self._do(
                "INSERT INTO profile (id, document, version, sequence, changed_at)"
                " SELECT n.*, %s FROM unnest(%s::uuid[], %s::bytea[], %s::int8[], %s::int8[]) AS n"
                " ON CONFLICT (id) DO UPDATE SET document = excluded.document,"
                " version = excluded.version, sequence = excluded.sequence,"
                " changed_at = excluded.changed_at",
                at,
                Uuids(bytes_of(p.id) for p in profiles),
                Byteas(p.document for p in profiles),
                Int8s([p.version for p in profiles]),
                Int8s([p.sequence for p in profiles]),
            )

    def segments_of(self, ids: Sequence[ProfileId]) -> Mapping[ProfileId, frozenset[SegmentId]]:
        rows = self._rows(
            "SELECT profile::text, segment FROM segment_membership"
            " WHERE profile = ANY(%s) AND left_at IS NULL",
            Uuids(map(bytes_of, ids)),
        )
        result: dict[ProfileId, set[SegmentId]] = defaultdict(set)
        for profile, segment in rows:
            result[ProfileId(profile)].add(segment)
        return {profile: frozenset(segments) for profile, segments in result.items()}

    def enter(self, intervals: Sequence[Interval]) -> None:
        if intervals:
            copy_rows(
                self._cursor,
                "segment_membership (segment, profile, entered_at, reason)",
                (
                    (text(i.segment), raw(bytes_of(i.profile)), int8(i.at), text(i.reason))
                    for i in intervals
                ),
            )

    def leave(self, intervals: Sequence[Interval]) -> None:
        if intervals:
            self._do(
                "UPDATE segment_membership s SET left_at = n.t, reason = n.w"
                " FROM unnest(%s::text[], %s::uuid[], %s::int8[], %s::text[]) AS n(s, p, t, w)"
                " WHERE s.segment = n.s AND s.profile = n.p AND s.left_at IS NULL",
                [i.segment for i in intervals],
                Uuids(bytes_of(i.profile) for i in intervals),
                Int8s([i.at for i in intervals]),
                [i.reason for i in intervals],
            )

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        if messages:
            copy_rows(
                self._cursor,
                "outbox (bucket, topic, key, value)",
                (
                    (int2(_bucket(m.key)), text(m.topic), raw(m.key or b""), raw(m.value or b""))
                    for m in messages
                ),
            )

    def review(self, items: Sequence[ReviewItem], *, at: Micros) -> None:
        for item in sorted(items, key=lambda item: (item.kind, item.subject)):
            self._do(
                "INSERT INTO review_item (kind, subject, detail, created_at)"
                " VALUES (%s, %s, %s::jsonb, %s) ON CONFLICT DO NOTHING",
                item.kind,
                item.subject,
                msgspec.json.encode(item.detail).decode(),
                at,
            )

    def sources(self) -> Mapping[str, Source]:
        return {row[0]: read_source(row) for row in self._rows(READ)}

    def active_versions(self) -> ActiveVersions | None:
        for statement in self._of_active:
            rows = self._rows(statement)
            if rows:
                return ActiveVersions(*rows[0])
        return None

    def model_document(self, version: str) -> bytes:
        rows = self._rows("SELECT document FROM model WHERE version = %s", version)
        return bytes(rows[0][0])

    def ruleset_document(self, version: str) -> bytes:
        rows = self._rows("SELECT document FROM ruleset WHERE version = %s", version)
        return bytes(rows[0][0])

    def segment_documents(self) -> Sequence[tuple[Mapping[str, object], int]]:
        rows = self._rows("SELECT document::text, version FROM segment ORDER BY id")
        return [(msgspec.json.decode(document), version) for document, version in rows]

    def oldest_mark(self) -> Micros | None:
        rows = self._rows("SELECT since FROM dirty ORDER BY seq LIMIT 1")
        return rows[0][0] if rows else None

    def unsent(self, letters_max: int) -> Sequence[tuple[int, OutgoingMessage]]:
        buckets = self._rows(
            "SELECT b FROM generate_series(0, %s) AS b WHERE pg_try_advisory_xact_lock(%s, b)",
            OUTBOX_BUCKETS - 1,
            OUTBOX_LOCK_CLASS,
        )
        rows = self._rows(
            "SELECT seq, topic, key, value FROM outbox WHERE bucket = ANY(%s)"
            " ORDER BY seq LIMIT %s",
            [row[0] for row in buckets],
            letters_max,
        )
        return [
            (seq, OutgoingMessage(topic=topic, key=key, value=value))
            for seq, topic, key, value in rows
        ]

    def delete_sent(self, sequences: Sequence[int]) -> None:
        self._do("DELETE FROM outbox WHERE seq = ANY(%s)", Int8s(list(sequences)))

    def set_progress(
        self, group: str, *, as_of: str, pending_since: Micros | None, at: Micros
    ) -> None:
        self._do(
            "INSERT INTO progress VALUES (%s, %s, %s, %s) ON CONFLICT (consumer_group) DO UPDATE"
            " SET as_of = excluded.as_of, pending_since = excluded.pending_since,"
            " checked_at = excluded.checked_at",
            group,
            as_of,
            pending_since,
            at,
        )


class ResolvingReads(ResolvingWrites):
    """The same in a transaction that may only read, and so holds nothing for anyone."""

    _of_active = tuple(statement.removesuffix(" FOR SHARE") for statement in _OF_ACTIVE)


def _bucket(key: bytes | None) -> int:
    return sum(key or b"") % OUTBOX_BUCKETS
