"""Sets too large for a batch, in PostgreSQL: found on the server, read by column in one piece."""

from collections.abc import Sequence

import numpy as np

from services.identity.adapters.sql.arrays import Int8s
from services.identity.adapters.sql.landing import LandingWrites
from services.identity.domain.connected import Numbers, distinct
from services.identity.domain.ids import Micros
from services.identity.domain.large_ladder import Links
from services.identity.store import RestartBatch
from services.identity.store_layout import Places

WAVES_MAX = 16  # a crowd is found in a few; what is further away than this is a chain
# By column and not deduplicated: the server took most of a minute to bring together what here is
# one sort of an array.
_FROM, _TO = (
    f"SELECT string_agg(int8send({end}), ''::bytea) FROM edge WHERE {start} = ANY(%s)"
    for start, end in (("a", "b"), ("b", "a"))
)
_SENT_TO = "SELECT count(*) FROM edge WHERE b = ANY(%s)"
# On the server, where each of a hundred thousand steps along a chain finds but one record more. A
# component is reached by the number of its smallest record, and all of it from there.
_CHAIN = """
WITH RECURSIVE seen(record) AS (
  SELECT unnest(%s::int8[])
  UNION
  SELECT near.record FROM seen s CROSS JOIN LATERAL (
    SELECT b AS record FROM edge WHERE a = s.record
    UNION ALL SELECT a FROM edge WHERE b = s.record
    UNION ALL SELECT component FROM membership WHERE record = s.record
    UNION ALL SELECT record FROM membership WHERE component = s.record
  ) near
)
SELECT string_agg(int8send(record), ''::bytea) FROM seen
"""
_PLACES = """
SELECT string_agg(int8send(record), ''::bytea), string_agg(int8send(component), ''::bytea),
  string_agg(int2send(step), ''::bytea)
FROM membership WHERE {} = ANY(%s)
"""
_PLACES_OF, _PLACES_IN = _PLACES.format("record"), _PLACES.format("component")
_LINKS = """
SELECT string_agg(int8send(a), ''::bytea), string_agg(int8send(b), ''::bytea),
  string_agg(int8send(weight), ''::bytea), string_agg(boolsend(joined), ''::bytea)
FROM edge WHERE a = ANY(%s)
"""


class LayoutWrites(LandingWrites):
    """What a transaction reads and writes of such sets; see services/identity/store_layout.py."""

    def lay_out_later(self, records: Sequence[int], *, at: Micros) -> None:
        if records:
            self._do(
                "INSERT INTO layout (record, since) SELECT r, %s FROM unnest(%s::int8[]) AS r"
                " ON CONFLICT DO NOTHING",
                at,
                sorted(records),
            )

    def take_layouts(self, records_max: int) -> Sequence[int]:
        rows = self._rows(
            "SELECT record FROM layout ORDER BY record LIMIT %s FOR UPDATE SKIP LOCKED", records_max
        )
        return [row[0] for row in rows]

    def clear_layouts(self, records: Sequence[int]) -> None:
        self._do("DELETE FROM layout WHERE record = ANY(%s)", Int8s(list(records)))

    def places_around(self, records: Sequence[int]) -> Places:
        ahead = distinct(np.array(records, dtype=np.int64))
        seen = known = ahead[:0]
        for _ in range(WAVES_MAX):
            if not len(ahead):
                break
            stands_in = distinct(self._places(_PLACES_OF, ahead).components)
            new = np.setdiff1d(stands_in, known, assume_unique=True)
            ahead = distinct(ahead, self._places(_PLACES_IN, new).records)
            known, seen = distinct(known, new), distinct(seen, ahead)
            ahead = np.setdiff1d(self._ends(ahead), seen, assume_unique=True)
        if len(ahead):
            ((found,),) = self._rows(_CHAIN, Int8s(ahead.tolist()))
            seen = distinct(seen, _column(found, ">i8"))
        return self._places(_PLACES_OF, seen)

    def places_in(self, components: Sequence[int]) -> Places:
        return self._places(_PLACES_IN, np.array(components, dtype=np.int64))

    def _places(self, query: str, numbers: Numbers) -> Places:
        ((found, components, steps),) = self._rows(query, Int8s(numbers.tolist()))
        records = _column(found, ">i8")
        order = np.argsort(records)
        return Places(
            records[order], _column(components, ">i8")[order], _column(steps, ">i2")[order]
        )

    def _ends(self, records: Numbers) -> Numbers:
        """Who has an edge to one of these."""
        numbers = Int8s(records.tolist())
        ((after,),), ((before,),) = self._rows(_FROM, numbers), self._rows(_TO, numbers)
        return distinct(_column(after, ">i8"), _column(before, ">i8"))

    def links_among(self, records: Numbers) -> Links:
        numbers = Int8s(records.tolist())
        ((left, right, weights, joined),) = self._rows(_LINKS, numbers)
        links = Links(
            _column(left, ">i8"),
            _column(right, ">i8"),
            _column(weights, ">i8"),
            _column(joined, "i1").astype(np.bool_),
        )
        ((sent_to,),) = self._rows(_SENT_TO, numbers)
        if sent_to != len(links.right) or not np.isin(links.right, records).all():
            raise RestartBatch("a set grew while it was being locked")
        return links

    def put_places(self, places: Places) -> None:
        if len(places.records):
            self._do(
                "UPDATE membership m SET component = n.c, step = n.s"
                " FROM unnest(%s::int8[], %s::int8[], %s::int8[]) AS n(r, c, s)"
                " WHERE m.record = n.r",
                *(Int8s(column.tolist()) for column in places),
            )


def _column(raw: bytes | None, kind: str) -> Numbers:
    """What the server's send functions wrote, one value after the other; None: there were none."""
    return np.frombuffer(raw or b"", dtype=kind).astype(np.int64)
