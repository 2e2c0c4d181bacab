"""One component to clusters. Pure: the component's records and the frozen model decide alone.

Units first, then agglomeration over all pairs, then anonymous records: one joins the only cluster
that carries its identifier (late.py).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.identity.domain.clustering import (
    COMPONENT_UNITS_MAX,
    Problem,
    agglomerate,
    ladder,
    link_of_pair,
)
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.source import Source
from services.identity.domain.weights import to_bits
from services.identity.store import StoredRecord
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.edges import NULL, decode_vector
from services.resolver.resolve.late import Placed, place_late
from services.resolver.resolve.units import Units, join_units, limits_of, refusal

ANONYMOUS_KIND = "anonymous_id"
GENERATIONS = {"i": "sr", "ii": "jr"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterContext:
    """What every component is clustered with."""

    model: LinkageModel
    rules: IdentityRules
    sources: Mapping[str, Source]
    units_max: int = COMPONENT_UNITS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A component to be clustered: its records in key order, and what is known of each.

    `decisive` holds each record's decisive identifiers without generic ones; `vectors` the weights
    of every pair that is neither late nor missing; `weights` the totals of its edges.
    """

    records: Sequence[StoredRecord]
    features: Sequence[Features]
    decisive: Sequence[frozenset[str]]
    vectors: Mapping[Pair, bytes]
    weights: Mapping[Pair, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Records judged to be one person, how sure, and whether a shared device keeps it apart."""

    records: tuple[int, ...]
    confidence: float
    ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    outcomes: Sequence[Outcome]
    notes: Sequence[tuple[str, Mapping[str, object]]]
    """What a person should look at: demoted identifiers and cut components."""


def is_late(record: StoredRecord, features: Features) -> bool:
    """An anonymous visitor of whom nothing is known that could be compared."""
    return record.key.kind == ANONYMOUS_KIND and not features


def pairs_within(records: Sequence[StoredRecord], features: Sequence[Features]) -> list[Pair]:
    """Every pair that clustering weighs, by record number: all but those of late records."""
    numbers = [
        record.number
        for record, known in zip(records, features, strict=True)
        if not is_late(record, known)
    ]
    return [
        (min(a, b), max(a, b)) for i, a in enumerate(numbers) for b in numbers[i + 1 :] if a != b
    ]


def cluster(case: Case, context: ClusterContext) -> Clustered:
    """The clusters of one component, in the order of their first records."""
    if len(case.records) == 1:
        alone = Outcome(records=(case.records[0].number,), confidence=1.0)
        return Clustered(outcomes=[alone], notes=[])
    late = [is_late(r, f) for r, f in zip(case.records, case.features, strict=True)]
    active = [index for index, each in enumerate(late) if not each]
    people = _People(case, context, active)
    units = join_units(people.decisive, context.rules, people.limits, people.forbidden)
    notes: list[tuple[str, Mapping[str, object]]] = [
        ("identifier_demoted", {"type": d.identifier_type, "scope": d.scope, "reason": d.reason})
        for d in units.demoted
    ]
    clusters: list[tuple[list[int], float]] = []
    parts = people.parts(units)
    if len(parts) > 1:
        notes.append(("component_cut", {"units": len(units.units), "parts": len(parts)}))
    for part in parts:
        clusters.extend(people.cluster(part))
    placed = place_late(
        case.records,
        case.decisive,
        late=[index for index, each in enumerate(late) if each],
        clusters=[[active[i] for i in members] for members, _ in clusters],
        rules=context.rules,
        sources=context.sources,
    )
    sure = [confidence for _, confidence in clusters]
    return Clustered(outcomes=_outcomes(case, placed, sure), notes=notes)


def _outcomes(case: Case, placed: Placed, sure: Sequence[float]) -> list[Outcome]:
    """Clusters as sure as their weakest join, and anonymous records of nobody."""
    outcomes = [
        Outcome(records=_numbers(case, members), confidence=confidence)
        for members, confidence in zip(placed.clusters, sure, strict=True)
    ]
    outcomes.extend(
        Outcome(records=_numbers(case, group), confidence=1.0) for group in placed.groups
    )
    outcomes.extend(
        Outcome(records=_numbers(case, [index]), confidence=1.0, ambiguous=True)
        for index in placed.ambiguous
    )
    return sorted(outcomes, key=lambda outcome: outcome.records)


class _People:
    """The records of a component that weights decide about, by place among them."""

    def __init__(self, case: Case, context: ClusterContext, active: Sequence[int]) -> None:
        self._case = case
        self._context = context
        self._active = active
        self.decisive = [case.decisive[i] for i in active]
        identifiers = [case.records[i].state.identifiers for i in active]
        self.limits = limits_of(identifiers, context.rules)
        self._vetoes = self._find_vetoes()
        self.forbidden = frozenset(
            zip(*map(np.ndarray.tolist, np.nonzero(self._vetoes)), strict=True)
        )

    def _find_vetoes(self) -> npt.NDArray[np.bool_]:
        """Two records of a source unique within itself; two generations of one name."""
        records = [self._case.records[i] for i in self._active]
        generations = [_generation(self._case.features[i]) for i in self._active]
        size = len(records)
        vetoes = np.zeros((size, size), dtype=bool)
        for i in range(size):
            source = self._context.sources.get(records[i].key.source)
            unique = source is not None and source.unique
            for j in range(i + 1, size):
                same_source = unique and records[i].key.source == records[j].key.source
                differ = bool(generations[i] and generations[j]) and (
                    generations[i] != generations[j]
                )
                vetoes[i, j] = vetoes[j, i] = same_source or differ
        return vetoes

    def parts(self, units: Units) -> list[list[tuple[int, ...]]]:
        """The units, cut into parts small enough to be clustered by raising the floor."""
        if not units.units:
            return []  # only late records: anonymous visitors who share an alias
        units_max = self._context.units_max
        if len(units.units) <= units_max:
            return [list(units.units)]
        unit_of = {i: u for u, members in enumerate(units.units) for i in members}
        place = {self._case.records[i].number: k for k, i in enumerate(self._active)}
        edges = [
            (unit_of[place[a]], unit_of[place[b]], weight)
            for (a, b), weight in sorted(self._case.weights.items())
            if a in place and b in place
        ]
        floor = self._context.model.edge_floor_units
        labels = ladder(len(units.units), edges, floor=floor, units_max=units_max).labels
        parts: dict[int, list[tuple[int, ...]]] = defaultdict(list)
        for number, label in enumerate(labels.tolist()):
            parts[label].append(units.units[number])
        return list(parts.values())

    def cluster(self, units: Sequence[tuple[int, ...]]) -> list[tuple[list[int], float]]:
        """The clusters of one part, and the probability of the weakest join of each."""
        places = sorted(i for unit in units for i in unit)
        if len(units) == 1:
            return [(places, 1.0)]
        if len(places) == 2:  # noqa: PLR2004  # most components are two records: no matrices
            return self._pair(*places)
        here = {place: index for index, place in enumerate(places)}
        clustering = agglomerate(self._problem(places, [[here[i] for i in u] for u in units]))
        groups: dict[int, list[int]] = defaultdict(list)
        for index, label in enumerate(clustering.labels.tolist()):
            groups[label].append(places[index])
        weakest: dict[int, int] = {}
        for join in clustering.joins:
            label = int(clustering.labels[join.left])
            weakest[label] = min(join.weight, weakest.get(label, join.weight))
        return [
            (members, _probability(weakest[label]) if label in weakest else 1.0)
            for label, members in sorted(groups.items())
        ]

    def _pair(self, left: int, right: int) -> list[tuple[list[int], float]]:
        """Two records that are no unit: one link decides."""
        apart = [([left], 1.0), ([right], 1.0)]
        if self._vetoes[left, right] or refusal([left], [right], self.limits, frozenset()):
            return apart
        model = self._context.model
        vector = self._vector(left, right)
        link = link_of_pair(
            np.where(vector != NULL, vector, 0),
            prior=model.prior_units,
            shared=model.shared,
            h=model.household_share,
        )
        return [([left, right], _probability(link))] if link > 0 else apart

    def _vector(self, left: int, right: int) -> npt.NDArray[np.int32]:
        one, other = (self._case.records[self._active[place]].number for place in (left, right))
        return decode_vector(self._case.vectors[min(one, other), max(one, other)])

    def _problem(self, places: Sequence[int], units: Sequence[Sequence[int]]) -> Problem:
        model = self._context.model
        size = len(places)
        shape = (len(model.comparisons), size, size)
        weights = np.zeros(shape, dtype=np.int32)
        present = np.zeros(shape, dtype=bool)
        for i, left in enumerate(places):
            for j in range(i + 1, size):
                vector = self._vector(left, places[j])
                known = vector != NULL
                weights[:, i, j] = weights[:, j, i] = np.where(known, vector, 0)
                present[:, i, j] = present[:, j, i] = known
        return Problem(
            weights=weights,
            present=present,
            prior=model.prior_units,
            shared=model.shared,
            h=model.household_share,
            tau=model.tau,
            units=units,
            forbidden=self._vetoes[np.ix_(places, places)],
            limited=[(x.values_max, [x.values[place] for place in places]) for x in self.limits],
        )


def _generation(features: Features) -> str | None:
    generation = features.get("genx")
    return GENERATIONS.get(generation, generation) if isinstance(generation, str) else None


def _probability(weight: int) -> float:
    """2^w / (1 + 2^w), rounded so that it can be compared and hashed."""
    return round(1 / (1 + math.exp2(-to_bits(weight))), 6)


def _numbers(case: Case, indexes: Sequence[int]) -> tuple[int, ...]:
    return tuple(case.records[i].number for i in sorted(indexes))
