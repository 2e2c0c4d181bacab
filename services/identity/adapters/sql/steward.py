"""Stewards' commands in PostgreSQL: kept as they were read, and found by the records they name."""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.identity.adapters.sql.arrays import Byteas, Int8s, Uuids
from services.identity.adapters.sql.landing import LandingWrites, uid_of
from services.identity.adapters.sql.value_words import VALUE_WORDS, decode_value_word
from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.store_steward import ReviewItem

_encoder = msgspec.json.Encoder()
_decisions = msgspec.json.Decoder(Decision)
_withdrawals = msgspec.json.Decoder(Withdrawal)
LATEST = 2**63 - 1  # after every instant

AMONG = """
SELECT d.document FROM steward_decision d
WHERE NOT d.is_withdrawal AND d.id IN (
  SELECT s.decision FROM record r JOIN steward_record s ON s.uid = r.uid WHERE r.id = ANY(%s)
) AND NOT EXISTS (
  SELECT FROM steward_decision w WHERE w.decision = d.id AND w.is_withdrawal
) ORDER BY d.id
"""


ANY_REVIEWED = "SELECT EXISTS (SELECT FROM review_item WHERE component IS NOT NULL)"
REVIEWS = "SELECT kind, subject, detail::text, component, effect FROM review_item"
LISTED = """
SELECT d.document, (
  SELECT w.document FROM steward_decision w WHERE w.decision = d.id AND w.is_withdrawal
  ORDER BY w.decided_at, w.id LIMIT 1
) FROM steward_decision d WHERE NOT d.is_withdrawal
"""


def encode(command: Decision | Withdrawal) -> bytes:
    return _encoder.encode(command)


def decode_decision(raw: bytes) -> Decision:
    return _decisions.decode(raw)


def _review(row: tuple[Any, ...]) -> ReviewItem:
    kind, subject, detail, component, effect = row
    return ReviewItem(kind, subject, msgspec.json.decode(detail), component, effect)


def _listed(row: tuple[Any, ...]) -> tuple[Decision, Withdrawal | None]:
    document, taken_back = row
    withdrawal = None if taken_back is None else _withdrawals.decode(taken_back)
    return decode_decision(document), withdrawal


class StewardWrites(LandingWrites):
    """What a transaction does about stewards' commands; see services/identity/store.py."""

    def add_decisions(self, commands: Sequence[Decision | Withdrawal]) -> Sequence[int]:
        distinct = {each.id: each for each in commands}
        ordered = [distinct[id_] for id_ in sorted(distinct)]
        added = self._rows(
            "INSERT INTO steward_decision (id, decision, is_withdrawal, document, decided_at)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::bool[], %s::bytea[], %s::int8[])"
            " ON CONFLICT DO NOTHING RETURNING number, id",
            [each.id for each in ordered],
            [each.id if isinstance(each, Decision) else each.decision for each in ordered],
            [isinstance(each, Withdrawal) for each in ordered],
            Byteas(encode(each) for each in ordered),
            Int8s([each.decided_at for each in ordered]),
        )
        fresh = [each for _, id_ in added if isinstance(each := distinct[id_], Decision)]
        named = [(key, each.id) for each in fresh for key in each.records()]
        self._do(
            "INSERT INTO steward_record (uid, decision)"
            " SELECT * FROM unnest(%s::uuid[], %s::text[]) ON CONFLICT DO NOTHING",
            Uuids(uid_of(key) for key, _ in named),
            [decision for _, decision in named],
        )
        return sorted(number for number, _ in added)

    def add_value_words(self, words: Sequence[ValueWord]) -> Sequence[int]:
        distinct = {each.id: each for each in words}
        ordered = [distinct[id_] for id_ in sorted(distinct)]
        added = self._rows(
            "INSERT INTO value_word (id, key, document, decided_at)"
            " SELECT * FROM unnest(%s::text[], %s::int8[], %s::bytea[], %s::int8[])"
            " ON CONFLICT DO NOTHING RETURNING key",
            [each.id for each in ordered],
            Int8s([each.key for each in ordered]),
            Byteas(_encoder.encode(each) for each in ordered),
            Int8s([each.decided_at for each in ordered]),
        )
        return sorted({row[0] for row in added})

    def value_words(self) -> Sequence[ValueWord]:
        return [decode_value_word(row[0]) for row in self._rows(VALUE_WORDS)]

    def decisions_among(self, records: Sequence[int]) -> Sequence[Decision]:
        if not self._has("SELECT EXISTS (SELECT FROM steward_decision)"):
            return []
        return [decode_decision(row[0]) for row in self._rows(AMONG, Int8s(list(records)))]

    def decision(self, id_: CommandId) -> tuple[Decision, Withdrawal | None] | None:
        rows = self._rows(LISTED + " AND d.id = %s", id_)
        return _listed(rows[0]) if rows else None

    def decisions_listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> Sequence[tuple[Decision, Withdrawal | None]]:
        at, id_ = before or (LATEST, "")
        rows = self._rows(
            LISTED + ' AND (d.decided_at, d.id COLLATE "C") < (%s, %s)'
            ' ORDER BY d.decided_at DESC, d.id COLLATE "C" DESC LIMIT %s',
            at,
            id_,
            decisions_max,
        )
        return [_listed(row) for row in rows]

    def reviews_listed(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        rows = self._rows(
            REVIEWS + " WHERE %s::text IS NULL OR kind = %s"
            ' ORDER BY effect DESC, kind COLLATE "C", subject COLLATE "C" LIMIT %s',
            kind,
            kind,
            items_max,
        )
        return [_review(row) for row in rows]

    def review_of(self, subject: str) -> ReviewItem | None:
        rows = self._rows(REVIEWS + " WHERE subject = %s ORDER BY kind LIMIT 1", subject)
        return _review(rows[0]) if rows else None

    def reviewed_among(self, components: Sequence[int]) -> frozenset[int]:
        if not self._has(ANY_REVIEWED):
            return frozenset()
        rows = self._rows(
            "SELECT DISTINCT component FROM review_item WHERE component = ANY(%s)",
            Int8s(list(components)),
        )
        return frozenset(row[0] for row in rows)

    def replace_reviews(
        self, components: Sequence[int], items: Sequence[ReviewItem], *, at: Micros
    ) -> Sequence[ReviewItem]:
        known: dict[tuple[str, str], ReviewItem] = {}
        if self._has(ANY_REVIEWED):
            rows = self._rows(REVIEWS + " WHERE component = ANY(%s)", Int8s(list(components)))
            known = {(row[0], row[1]): _review(row) for row in rows}
        wanted = {(each.kind, each.subject): each for each in items}
        gone = known.keys() - wanted.keys()
        if gone:
            self._do(
                "DELETE FROM review_item r USING unnest(%s::text[], %s::text[]) AS n(k, s)"
                " WHERE r.kind = n.k AND r.subject = n.s",
                [kind for kind, _ in gone],
                [subject for _, subject in gone],
            )
        for place in sorted(wanted):
            if known.get(place) != wanted[place]:
                self._put_review(wanted[place], at)
        return [wanted[place] for place in sorted(wanted.keys() - known.keys())]

    def _put_review(self, item: ReviewItem, at: Micros) -> None:
        self._do(
            "INSERT INTO review_item (kind, subject, detail, component, effect, created_at)"
            " VALUES (%s, %s, %s::jsonb, %s, %s, %s) ON CONFLICT (kind, subject) DO UPDATE SET"
            " detail = excluded.detail, component = excluded.component, effect = excluded.effect",
            item.kind,
            item.subject,
            _encoder.encode(item.detail).decode(),
            item.component,
            item.effect,
            at,
        )

    def close_reviews(self, kind: str, subjects: Sequence[str]) -> None:
        if subjects:
            self._do(
                "DELETE FROM review_item WHERE kind = %s AND subject = ANY(%s)",
                kind,
                list(subjects),
            )

    def records_decided(self, commands: Sequence[int]) -> Sequence[int]:
        rows = self._rows(
            "SELECT DISTINCT r.id FROM steward_decision c"
            " JOIN steward_record s ON s.decision = c.decision JOIN record r ON r.uid = s.uid"
            " WHERE c.number = ANY(%s) ORDER BY r.id",
            Int8s(list(commands)),
        )
        return [row[0] for row in rows]

    def mark_all_decisions(self, *, kind: int, since: int) -> None:
        """A mark for every command: whoever replaced the whole base asks for all of them anew."""
        self._do(
            "INSERT INTO dirty (kind, subject, since) SELECT %s, number, %s FROM steward_decision",
            kind,
            since,
        )
