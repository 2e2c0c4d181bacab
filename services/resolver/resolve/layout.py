"""Which component every record of a batch stands in, and the job that cuts a large set anew.

What a batch adds to a large set is worked out from the parts it touches. What it takes away may
let parts far from it grow together again, which only a look at the whole set can tell: the records
around the change wait for `lay_out_anew`, and nothing is clean until it ran.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from services.identity.domain.connected import connect, distinct
from services.identity.domain.ids import Micros
from services.identity.domain.ladder import LOOSE, Edge, Ladder, Place, is_loose, lay_out
from services.identity.domain.large_ladder import lay_out_whole
from services.identity.store import RestartBatch, StoredEdge, Transaction
from services.identity.store_layout import Places
from services.identity.store_marks import MarkKind
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.components import Standing
from services.resolver.resolve.decided import ties_of

LAYOUTS_MAX = 10_000  # records that one job starts from


def as_edge(edge: StoredEdge) -> Edge:
    return Edge(edge.a, edge.b, edge.weight, edge.joined)


def _tie(one: int, other: int) -> Edge:
    return Edge(one, other, 0, is_told=True)


def place(
    standing: Standing,
    edges: Mapping[Pair, StoredEdge],
    *,
    dirty: Collection[int],
    ties: Iterable[Pair] = (),
    ladder: Ladder,
) -> dict[int, Place]:
    """Of every member its component today. Some edges may lead out of the members.

    `ties` hold records together whatever they weigh: those that one decision names. Of dirty
    records every edge is known, and so whether their block is loose, whatever it was before.
    """
    members = standing.members
    cut_until = {
        number: member.step % LOOSE if number in dirty else member.step
        for number, member in members.items()
    }
    ties = list(ties)
    inside: list[StoredEdge] = []
    for edge in edges.values():
        if edge.a in members and edge.b in members:
            inside.append(edge)
            continue
        end = edge.a if edge.a in members else edge.b
        cut_until[end] = ladder.told_by(as_edge(edge), cut_until[end])
    if not any(cut_until.values()):  # nearly always: nothing here was ever cut
        found = connect(members, chain(ties, ((edge.a, edge.b) for edge in inside)))
        if max(Counter(found.values()).values(), default=0) <= ladder.units_max_at(0):
            return {number: Place(component) for number, component in found.items()}
    return lay_out(cut_until, [*(_tie(*pair) for pair in ties), *map(as_edge, inside)], ladder)


def shaken(
    standing: Standing,
    dirty: Collection[int],
    edges: Mapping[Pair, StoredEdge],
    placed: Mapping[int, Place],
    *,
    ties: Iterable[Pair] = (),
) -> frozenset[int]:
    """Records around what this batch may have taken from a set that is cut.

    A dirty record that stood in a part may have let go of others, and so may one that a decision
    spoke of, and a block of a part that is loose from now on; a new record that joins several, or
    that decisions tie to several, makes one unit of them.
    """
    members = standing.members
    found = {n for n in dirty if n in members and members[n].step > 0}
    found |= {
        number
        for number, each in placed.items()
        if is_loose(each.step) and 0 < members[number].step < LOOSE
    }
    if found:
        found |= {end for e in standing.edges if e.a in found or e.b in found for end in (e.a, e.b)}
    bridged: dict[int, set[int]] = {}
    joined = ((edge.a, edge.b) for edge in edges.values() if edge.joined)
    for one, two in chain(joined, ties):
        for end, other in ((one, two), (two, one)):
            if end in dirty and other in members and 0 < members[other].step < LOOSE:
                bridged.setdefault(end, set()).add(other)
    return frozenset(found.union(*(others for others in bridged.values() if len(others) > 1)))


def lay_out_anew(tx: Transaction, ladder: Ladder, *, at: Micros) -> int | None:
    """Cut what is connected with the records that wait; how many stand elsewhere now.

    Their components become dirty. None when no record waits. Raises RestartBatch when another
    worker changed the set while it was being locked.
    """
    waiting = tx.take_layouts(LAYOUTS_MAX)
    if not waiting:
        return None
    seen = _around(tx, waiting)
    components = distinct(seen.components).tolist()
    locked = tx.lock_components(components)
    around = tx.places_in(components)
    told = list(ties_of(tx, set(around.records.tolist())))
    if len(locked) < len(components) or not _is_whole(around, seen, told):
        raise RestartBatch("a set changed while it was being locked")
    tx.clear_layouts(waiting)
    parts, steps = lay_out_whole(around.records, tx.links_among(around.records), told, ladder)
    moved = (parts != around.components) | (steps != around.steps)
    tx.put_places(Places(around.records[moved], parts[moved], steps[moved]))
    left = distinct(around.components[moved])
    tx.replace_reviews(left.tolist(), [], at=at)  # nobody finds them where nobody stands any more
    tx.clear_set_aside(left.tolist())  # whoever resolves their records says again what is too large
    dirty = distinct(left, parts[moved])
    tx.mark((MarkKind.COMPONENT, part, at) for part in dirty.tolist())
    return int(moved.sum())


def _around(tx: Transaction, records: Sequence[int]) -> Places:
    """Everything that edges and decisions lead to from these records."""
    start = set(records)
    while True:
        found = tx.places_around(sorted(start))
        here = set(found.records.tolist())
        further = {end for pair in ties_of(tx, here) for end in pair} - here
        if not further:
            return found
        start |= further


def _is_whole(around: Places, seen: Places, told: Sequence[Pair]) -> bool:
    """Whether what is locked is what was found, and decisions tie it to nobody else."""
    ends = np.array(told, dtype=np.int64)
    return np.array_equal(around.records, seen.records) and bool(
        np.isin(ends, around.records).all()
    )
