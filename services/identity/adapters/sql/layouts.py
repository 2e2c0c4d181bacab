"""Sets too large for a batch, in PostgreSQL: found on the server, read by column in one piece."""

from collections.abc import Sequence

import numpy as np

from services.identity.adapters.sql.arrays import Int8s
from services.identity.adapters.sql.landing import LandingWrites
from services.identity.domain.connected import Numbers
from services.identity.domain.ids import Micros
from services.identity.domain.large_ladder import Links
from services.identity.store_layout import Places

WAVES_MAX = 16  # a crowd is found in a few; what is further away than this is a chain
_WAVE = """
SELECT string_agg(int8send(record), ''::bytea) FROM (
  SELECT b AS record FROM edge WHERE a = ANY(%s)
  UNION SELECT a FROM edge WHERE b = ANY(%s)
  UNION SELECT record FROM membership
    WHERE component IN (SELECT component FROM membership WHERE record = ANY(%s))
) near
"""
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
FROM membership WHERE record = ANY(%s)
"""
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
        around = self._around(np.unique(np.array(records, dtype=np.int64)))
        ((found, components, steps),) = self._rows(_PLACES, Int8s(around.tolist()))
        numbers = _column(found, ">i8")
        order = np.argsort(numbers)
        return Places(
            numbers[order], _column(components, ">i8")[order], _column(steps, ">i2")[order]
        )

    def _around(self, seen: Numbers) -> Numbers:
        ahead = seen
        for _ in range(WAVES_MAX):
            ((found,),) = self._rows(_WAVE, *[Int8s(ahead.tolist())] * 3)
            ahead = np.setdiff1d(_column(found, ">i8"), seen, assume_unique=True)
            if not len(ahead):
                return seen
            seen = np.union1d(seen, ahead)
        ((found,),) = self._rows(_CHAIN, Int8s(seen.tolist()))
        return _column(found, ">i8")

    def links_among(self, records: Numbers) -> Links:
        ((left, right, weights, joined),) = self._rows(_LINKS, Int8s(records.tolist()))
        return Links(
            _column(left, ">i8"),
            _column(right, ">i8"),
            _column(weights, ">i8"),
            _column(joined, "i1").astype(np.bool_),
        )

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
