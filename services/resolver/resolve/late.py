"""Anonymous records, placed last: with the only person who carries an identifier of theirs.

Where two people carry it (a shared device), or where a limit or a veto forbids it, the record stays
alone and is called ambiguous. Pure; records are known by their places in key order.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.source import Source
from services.identity.store import StoredRecord
from services.resolver.resolve.units import join_units, limits_of, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """`clusters`: those given, in their order, and who came to each. `groups`: nobody else's."""

    clusters: Sequence[Sequence[int]]
    groups: Sequence[Sequence[int]]
    ambiguous: Sequence[int]


def place_late(
    records: Sequence[StoredRecord],
    decisive: Sequence[frozenset[str]],
    *,
    late: Sequence[int],
    clusters: Sequence[Sequence[int]],
    rules: IdentityRules,
    sources: Mapping[str, Source],
) -> Placed:
    """Late records come in key order: the first of two that exclude each other is taken."""
    if not late:
        return Placed(clusters=clusters, groups=(), ambiguous=())
    limits = limits_of([record.state.identifiers for record in records], rules)
    forbidden = _of_one_unique_source(records, sources)
    carried = [frozenset().union(*(decisive[i] for i in members)) for members in clusters]
    joined = [list(members) for members in clusters]
    alone: list[int] = []
    ambiguous: list[int] = []
    for index in sorted(late):
        fitting = [c for c, texts in enumerate(carried) if texts & decisive[index]]
        if not fitting:
            alone.append(index)
        elif len(fitting) > 1 or refusal(joined[fitting[0]], [index], limits, forbidden):
            ambiguous.append(index)
        else:
            joined[fitting[0]].append(index)
    # All keep their places, so that limits and vetoes fit; only those alone have what joins.
    own = [texts if index in alone else frozenset() for index, texts in enumerate(decisive)]
    units = join_units(own, rules, limits, forbidden).units
    groups = [unit for unit in units if unit[0] in alone]
    return Placed(clusters=joined, groups=groups, ambiguous=ambiguous)


def _of_one_unique_source(
    records: Sequence[StoredRecord], sources: Mapping[str, Source]
) -> frozenset[tuple[int, int]]:
    """Pairs of records that their own source says are two people."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        source = sources.get(record.key.source)
        if source is not None and source.unique:
            places[record.key.source].append(index)
    return frozenset(pair for found in places.values() for pair in combinations(found, 2))
