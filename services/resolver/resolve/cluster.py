"""One component to clusters. Pure: the component's records and the frozen model decide alone.

Units first, then agglomeration over all pairs, then anonymous records: one joins the only cluster
that carries its identifier (late.py).
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

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
from services.resolver.resolve.late import place_late
from services.resolver.resolve.units import (
    Demotion,
    Limit,
    Vetoes,
    join_units,
    limits_of,
    refusal,
)

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

    `decisive` holds each record's decisive identifiers without generic ones; `weights` the totals
    of its edges.
    """

    records: Sequence[StoredRecord]
    features: Sequence[Features]
    decisive: Sequence[frozenset[str]]
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


class Plan:
    """One component on its way to clusters: cut first, so that no part asks for too many pairs.

    Records are known by their places in key order.
    """

    def __init__(self, case: Case, context: ClusterContext) -> None:
        self._case = case
        self._context = context
        self._late: list[int] = []
        self._limits: list[Limit] = []
        self._parts: list[list[tuple[int, ...]]] = []
        self._demoted: Sequence[Demotion] = ()
        if len(case.records) > 1:  # the most frequent component is one record: nothing to decide
            self._join()

    def _join(self) -> None:
        """Find the limits, the units and the parts."""
        case, context = self._case, self._context
        late = [is_late(r, f) for r, f in zip(case.records, case.features, strict=True)]
        self._late = [place for place, each in enumerate(late) if each]
        self._vetoes = Vetoes.of(
            [record.key.source for record in case.records],
            [_generation(features) for features in case.features],
            unique={name for name, source in context.sources.items() if source.unique},
        )
        self._identifier_limits = limits_of(
            [record.state.identifiers for record in case.records], context.rules
        )
        self._limits = [*self._identifier_limits, *self._vetoes.as_limits()]
        mine = [frozenset() if each else ids for each, ids in zip(late, case.decisive, strict=True)]
        joined = join_units(mine, context.rules, self._limits)
        self._demoted = joined.demoted
        self._parts = self._cut([unit for unit in joined.units if not late[unit[0]]])

    def pairs(self) -> Iterator[Pair]:
        """The pairs of records whose vectors `clusters` needs: two units of one part."""
        for part in self._parts:
            for unit, other in combinations(part, 2):
                for left, right in product(unit, other):
                    yield self._pair_of(left, right)

    def clusters(self, vectors: Mapping[Pair, bytes]) -> Clustered:
        """The clusters, in the order of their records' numbers."""
        if len(self._case.records) == 1:
            return Clustered(outcomes=[self._outcome([0], 1.0)], notes=[])
        clusters = [each for part in self._parts for each in self._cluster(part, vectors)]
        placed = place_late(
            self._case.decisive,
            late=self._late,
            clusters=[members for members, _ in clusters],
            rules=self._context.rules,
            limits=self._limits,
        )
        outcomes = [
            *(
                self._outcome(members, sure)
                for members, (_, sure) in zip(placed.clusters, clusters, strict=True)
            ),
            *(self._outcome(members, 1.0) for members in placed.groups),
            *(self._outcome([place], 1.0, ambiguous=True) for place in placed.ambiguous),
        ]
        return Clustered(
            outcomes=sorted(outcomes, key=lambda outcome: outcome.records), notes=self._notes()
        )

    def _outcome(self, members: Sequence[int], sure: float, *, ambiguous: bool = False) -> Outcome:
        numbers = tuple(self._case.records[place].number for place in sorted(members))
        return Outcome(records=numbers, confidence=sure, ambiguous=ambiguous)

    def _notes(self) -> list[tuple[str, Mapping[str, object]]]:
        notes: list[tuple[str, Mapping[str, object]]] = [
            (
                "identifier_demoted",
                {"type": d.identifier_type, "scope": d.scope, "reason": d.reason},
            )
            for d in self._demoted
        ]
        if len(self._parts) > 1:
            units = sum(map(len, self._parts))
            notes.append(("component_cut", {"units": units, "parts": len(self._parts)}))
        return notes

    def _pair_of(self, left: int, right: int) -> Pair:
        one, other = self._case.records[left].number, self._case.records[right].number
        return (one, other) if one < other else (other, one)

    def _cut(self, units: Sequence[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
        """The units, cut into parts small enough to be clustered by raising the floor."""
        if not units:
            return []  # only late records: anonymous visitors who share an alias
        units_max = self._context.units_max
        if len(units) <= units_max:
            return [list(units)]
        place = {record.number: place for place, record in enumerate(self._case.records)}
        unit_of = {member: u for u, members in enumerate(units) for member in members}
        edges = [
            (unit_of[place[a]], unit_of[place[b]], weight)
            for (a, b), weight in sorted(self._case.weights.items())
            if place.get(a) in unit_of and place.get(b) in unit_of
        ]
        floor = self._context.model.edge_floor_units
        labels = ladder(len(units), edges, floor=floor, units_max=units_max).labels
        parts: dict[int, list[tuple[int, ...]]] = defaultdict(list)
        for number, label in enumerate(labels.tolist()):
            parts[label].append(units[number])
        return list(parts.values())

    def _cluster(
        self, units: Sequence[tuple[int, ...]], vectors: Mapping[Pair, bytes]
    ) -> list[tuple[list[int], float]]:
        """The clusters of one part, and the probability of the weakest join of each."""
        places = sorted(i for unit in units for i in unit)
        if len(units) == 1:
            return [(places, 1.0)]
        if len(places) == 2:  # noqa: PLR2004  # most components are two records: no matrices
            return self._two(places[0], places[1], vectors)
        here = {place: index for index, place in enumerate(places)}
        clustering = agglomerate(
            self._problem(places, [[here[i] for i in u] for u in units], vectors)
        )
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

    def _two(
        self, left: int, right: int, vectors: Mapping[Pair, bytes]
    ) -> list[tuple[list[int], float]]:
        """Two records that are no unit: one link decides."""
        apart = [([left], 1.0), ([right], 1.0)]
        if refusal([left], [right], self._limits) is not None:
            return apart
        model = self._context.model
        vector = decode_vector(vectors[self._pair_of(left, right)])
        link = link_of_pair(
            np.where(vector != NULL, vector, 0),
            prior=model.prior_units,
            shared=model.shared,
            h=model.household_share,
        )
        return [([left, right], _probability(link))] if link > 0 else apart

    def _problem(
        self,
        places: Sequence[int],
        units: Sequence[Sequence[int]],
        vectors: Mapping[Pair, bytes],
    ) -> Problem:
        model = self._context.model
        size = len(places)
        shape = (len(model.comparisons), size, size)
        weights = np.zeros(shape, dtype=np.int32)
        present = np.zeros(shape, dtype=bool)
        # Two records of one unit may have no vector: nobody asks what they weigh.
        unknown = np.full(len(model.comparisons), NULL, dtype="<i4").tobytes()
        raw = b"".join(vectors.get(self._pair_of(*two), unknown) for two in combinations(places, 2))
        found = np.frombuffer(raw, dtype="<i4").reshape(-1, len(model.comparisons)).T
        rows, columns = np.triu_indices(size, 1)
        for one, other in ((rows, columns), (columns, rows)):
            weights[:, one, other] = np.where(found != NULL, found, 0)
            present[:, one, other] = found != NULL
        return Problem(
            weights=weights,
            present=present,
            prior=model.prior_units,
            shared=model.shared,
            h=model.household_share,
            tau=model.tau,
            units=units,
            forbidden=self._vetoes.among(places),
            limited=[
                (x.values_max, [x.values[place] for place in places])
                for x in self._identifier_limits
            ],
        )


def _generation(features: Features) -> str | None:
    generation = features.get("genx")
    return GENERATIONS.get(generation, generation) if isinstance(generation, str) else None


def _probability(weight: int) -> float:
    """2^w / (1 + 2^w), rounded so that it can be compared and hashed."""
    return round(1 / (1 + math.exp2(-to_bits(weight))), 6)
