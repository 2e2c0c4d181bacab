"""Components in PostgreSQL: who is connected with whom, by which edges, and what waits."""

from collections.abc import Sequence

from services.identity.adapters.sql.arrays import Int8s, Uuids
from services.identity.adapters.sql.landing import bytes_of
from services.identity.adapters.sql.layouts import LayoutWrites
from services.identity.adapters.sql.row_copy import boolean, copy_rows, int8, raw
from services.identity.domain.ids import Micros
from services.identity.store import Member, StoredEdge

ASIDE = 100  # components that a worker looks through for one that nobody works on


class ComponentWrites(LayoutWrites):
    """What a transaction reads and writes of components; see services/identity/store.py."""

    def memberships(self, records: Sequence[int]) -> dict[int, Member]:
        rows = self._rows(
            "SELECT record, component, profile::text, step FROM membership WHERE record = ANY(%s)",
            Int8s(list(records)),
        )
        return {row[0]: Member(*row) for row in rows}

    def lock_components(self, components: Sequence[int], *, wait: bool = True) -> frozenset[int]:
        """The row of a component's smallest record stands for the component, and no other does.

        Else who holds a row that is none any more would be in the way of who writes it.
        """
        rows = self._rows(
            "SELECT record FROM membership WHERE record = ANY(%s) AND component = record"
            f" ORDER BY record FOR UPDATE{'' if wait else ' SKIP LOCKED'}",
            Int8s(sorted(components)),
        )
        return frozenset(row[0] for row in rows)

    def members(self, components: Sequence[int]) -> Sequence[Member]:
        rows = self._rows(
            "SELECT record, component, profile::text, step FROM membership"
            " WHERE component = ANY(%s)",
            Int8s(list(components)),
        )
        return [Member(*row) for row in rows]

    def edges_among(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        rows = self._rows(
            "SELECT a, b, weight, vector, joined FROM edge WHERE a = ANY(%s)", Int8s(list(records))
        )
        return [StoredEdge(*row) for row in rows]

    def edges_of(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        numbers = Int8s(list(records))
        rows = self._rows(
            "SELECT a, b, weight, vector, joined FROM edge WHERE a = ANY(%s)"
            " UNION ALL SELECT a, b, weight, vector, joined FROM edge"
            " WHERE b = ANY(%s) AND NOT a = ANY(%s)",
            numbers,
            numbers,
            numbers,
        )
        return [StoredEdge(*row) for row in rows]

    def remove_edges(self, pairs: Sequence[tuple[int, int]]) -> None:
        if pairs:
            self._do(
                "DELETE FROM edge e USING unnest(%s::int8[], %s::int8[]) AS n(a, b)"
                " WHERE e.a = n.a AND e.b = n.b",
                [a for a, _ in pairs],
                [b for _, b in pairs],
            )

    def put_edges(self, edges: Sequence[StoredEdge]) -> None:
        """The caller removed what was there before."""
        if edges:
            copy_rows(
                self._cursor,
                "edge (a, b, weight, vector, joined)",
                (
                    (int8(e.a), int8(e.b), int8(e.weight), raw(e.vector), boolean(e.joined))
                    for e in edges
                ),
            )

    def put_memberships(self, members: Sequence[Member]) -> None:
        if members:
            self._do(
                "UPDATE membership m SET component = n.c, profile = n.p, step = n.s"
                " FROM unnest(%s::int8[], %s::int8[], %s::uuid[], %s::int8[]) AS n(r, c, p, s)"
                " WHERE m.record = n.r",
                Int8s([m.record for m in members]),
                Int8s([m.component for m in members]),
                Uuids(None if m.profile is None else bytes_of(m.profile) for m in members),
                Int8s([m.step for m in members]),
            )

    def set_aside(self, components: Sequence[int], *, at: Micros) -> None:
        self._do(
            "INSERT INTO set_aside (component, since) SELECT c, %s FROM unnest(%s::int8[]) AS c"
            " ON CONFLICT DO NOTHING",
            at,
            sorted(components),
        )

    def clear_set_aside(self, components: Sequence[int]) -> None:
        self._do("DELETE FROM set_aside WHERE component = ANY(%s)", list(components))

    def take_set_aside(self) -> int | None:
        """The component first, as everybody who clears what is set aside has locked it."""
        waiting = self._rows("SELECT component FROM set_aside ORDER BY component LIMIT %s", ASIDE)
        if not waiting:
            return None
        rows = self._rows(
            "SELECT record FROM membership WHERE record = ANY(%s) AND component = record"
            " ORDER BY record LIMIT 1 FOR UPDATE SKIP LOCKED",
            Int8s([row[0] for row in waiting]),
        )
        still = "SELECT component FROM set_aside WHERE component = %s"
        return rows[0][0] if rows and self._rows(still, rows[0][0]) else None
