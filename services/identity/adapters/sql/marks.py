"""Dirty marks, in PostgreSQL: who takes some holds them until its transaction ends."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.identity.adapters.sql.arrays import Int8s
from services.identity.adapters.sql.landing import LandingWrites
from services.identity.domain.identifiers import GENERIC_HOLDERS_MAX
from services.identity.store_marks import OF_RECORDS, Half, Mark, MarkKind

# Asked row by row: a join might read every membership for a queue of unknown length.
_COMPONENT = "coalesce((SELECT component FROM membership WHERE record = dirty.subject), subject)"


class MarkWrites(LandingWrites):
    """The marks' part of a transaction."""

    def take_marks(self, marks_max: int, *, half: Half | None = None) -> Sequence[Mark]:
        within = "" if half is None else f" WHERE {_COMPONENT} & 1 = {int(half)}"
        return _marks(
            self._rows(
                f"SELECT seq, kind, subject, since FROM dirty{within} ORDER BY seq LIMIT %s"
                " FOR UPDATE SKIP LOCKED",
                marks_max,
            )
        )

    def take_marks_near(self, records: Sequence[int], *, marks_max: int) -> Sequence[Mark]:
        own = Int8s(list(records))
        return _marks(
            self._rows(
                "WITH near AS MATERIALIZED ("
                "SELECT n.record FROM membership AS m JOIN membership AS n USING (component)"
                " WHERE m.record = ANY(%s) UNION SELECT h.record FROM"
                " (SELECT DISTINCT unnest(keys) AS key FROM record WHERE id = ANY(%s)) AS k"
                " CROSS JOIN LATERAL (SELECT record FROM key WHERE key.key = k.key"
                " ORDER BY record LIMIT %s) AS h"
                " WHERE NOT EXISTS (SELECT FROM generic_key AS g WHERE g.key = k.key))"
                " SELECT seq, kind, subject, since FROM dirty"
                " WHERE kind = ANY(%s) AND subject IN (SELECT record FROM near)"
                " ORDER BY seq LIMIT %s FOR UPDATE SKIP LOCKED",
                own,
                own,
                GENERIC_HOLDERS_MAX,
                [kind.value for kind in sorted(OF_RECORDS)],
                marks_max,
            )
        )

    def delete_marks(self, marks: Sequence[Mark]) -> None:
        self._do("DELETE FROM dirty WHERE seq = ANY(%s)", Int8s([mark.seq for mark in marks]))


def _marks(rows: Iterable[Sequence[Any]]) -> Sequence[Mark]:
    return [Mark(seq, MarkKind(kind), subject, since) for seq, kind, subject, since in rows]
