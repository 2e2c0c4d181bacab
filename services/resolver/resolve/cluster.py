"""One component to clusters. Pure: the component's records and the frozen model decide alone.

Units first, then agglomeration over all pairs, then anonymous records: one joins the only cluster
that carries its identifier (late.py). A steward's word (word.py) holds in all three.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from services.identity.domain.clustering import (
    Clustering,
    Flags,
    Problem,
    Weights,
    agglomerate_all,
)
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ladder import Edge, Ladder, lay_out
from services.identity.domain.source import Source
from services.identity.store import StoredRecord
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.edges import NULL, personal_evidence
from services.resolver.resolve.held import (
    demoted_notes,
    least_among,
    radius_among,
    waiting_notes,
)
from services.resolver.resolve.joint import pairs_sharing
from services.resolver.resolve.late import Placed, place_late
from services.resolver.resolve.limits import Limit, limits_of
from services.resolver.resolve.reviews import (
    CUT_PROBABILITY,
    Note,
    probability_of,
)
from services.resolver.resolve.tenure import told_apart
from services.resolver.resolve.units import Units, Vetoes, generation_of, join_units
from services.resolver.resolve.weighed import Weighed
from services.resolver.resolve.word import SILENCE, Word

Cluster = tuple[Sequence[int], float]
"""Places of records, and the probability of the weakest join that holds them together."""
Unit = tuple[int, ...]
"""Places of records that are one person before any weight is asked."""
ANONYMOUS_KIND = "anonymous_id"
PART_RECORDS_MAX = 512  # records of several units that are compared all with all


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterContext:
    """What every component is clustered with."""

    model: LinkageModel
    rules: IdentityRules
    sources: Mapping[str, Source]
    ladder: Ladder


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A component to be clustered: its records in key order, and what is known of each.

    `decisive` holds each record's decisive identifiers without generic ones; `weights` the totals
    of its edges, `vectors` what they are made of; both may hold others.
    """

    records: Sequence[StoredRecord]
    features: Sequence[Features]
    decisive: Sequence[frozenset[str]]
    weights: Mapping[Pair, int]
    vectors: Mapping[Pair, bytes]
    word: Word = SILENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Records judged to be one person, how sure, and whether a shared device keeps it apart."""

    records: tuple[int, ...]
    confidence: float
    ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    outcomes: Sequence[Outcome]
    notes: Sequence[Note]
    """What a person should look at: demoted identifiers and cut components."""


def is_late(record: StoredRecord, features: Features) -> bool:
    """An anonymous visitor of whom nothing is known that could be compared."""
    return record.key.kind == ANONYMOUS_KIND and not features


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Units of one component that are few enough to be clustered, and their records, sorted."""

    plan: "Plan"
    units: Sequence[tuple[int, ...]]
    places: Sequence[int]

    def numbers(self) -> list[int]:
        """Of its records, in the order of their places."""
        records = self.plan.case.records
        return [records[place].number for place in self.places]


class Plan:
    """One component on its way to clusters: cut first, so that no part asks for too many pairs.

    Records are known by their places in key order.
    """

    def __init__(self, case: Case, context: ClusterContext) -> None:
        self.case = case
        self.context = context
        self.decisive = case.decisive
        self.late: list[int] = []
        self.limits: list[Limit] = []
        self.joined = Units(units=[(place,) for place in range(len(case.records))], demoted=[])
        self.parts: Sequence[Part] = ()
        self.waiting: list[Note] = []
        if len(case.records) > 1:  # the most frequent component is one record: nothing to decide
            self._join()

    def _join(self) -> None:
        """Find the limits, the units and the parts."""
        case, context = self.case, self.context
        bare = [is_late(r, f) for r, f in zip(case.records, case.features, strict=True)]
        late = case.word.alone(bare)
        self.late = [place for place, each in enumerate(late) if each]
        self.vetoes = Vetoes.of(
            [record.key.source for record in case.records],
            [generation_of(features) for features in case.features],
            unique={name for name, source in context.sources.items() if source.unique},
        )
        identifiers = [record.state.identifiers for record in case.records]
        self.decisive = told_apart(case.decisive, identifiers, context.rules)
        self.identifier_limits = self._lenient(limits_of(identifiers, context.rules))
        self.limits = [*self.identifier_limits, *self._lenient(self.vetoes.as_limits())]
        mine = [frozenset() if each else ids for each, ids in zip(bare, self.decisive, strict=True)]
        personal = personal_evidence(
            pairs_sharing(mine, context.rules),
            vector_of=lambda pair: case.vectors.get(self.pair_of(*pair)),
            shared=context.model.relatives.shared,
        )
        self.joined = join_units(mine, context.rules, self.limits, personal, case.word)
        self.parts = [
            Part(plan=self, units=units, places=sorted(i for unit in units for i in unit))
            for units in self._cut([unit for unit in self.joined.units if not late[unit[0]]])
        ]

    def _lenient(self, limits: list[Limit]) -> list[Limit]:
        """With nothing to say against what a steward joined."""
        word = self.case.word
        if not word.links:
            return limits
        return [replace(x, values=word.as_one(x.values, most=x.most)) for x in limits]

    def pair_of(self, left: int, right: int) -> Pair:
        one, other = self.case.records[left].number, self.case.records[right].number
        return (one, other) if one < other else (other, one)

    def problem(self, part: Part, weights: Weights, present: Flags) -> Problem:
        """What is to be clustered of one part; [pairs, k] of its records."""
        here = {place: index for index, place in enumerate(part.places)}
        model = self.context.model
        return Problem(
            size=len(part.places),
            weights=weights,
            present=present,
            prior=model.prior_units,
            relatives=model.relatives,
            tau=model.tau,
            alone_share=model.alone_share,
            units=[[here[i] for i in unit] for unit in part.units],
            forbidden=self._forbidden(part.places),
            radius=radius_among(here, self.context.rules, self.case.word),
            least=least_among(here, self.context.rules.merge_policy, self.case.word),
            limited=[
                (x.most, [x.values[place] for place in part.places]) for x in self.identifier_limits
            ],
        )

    def hold(self, part: Part, problem: Problem, clustering: Clustering) -> None:
        """Note the joins that wait for a person."""
        if clustering.held or clustering.lacking:
            records = [self.case.records[place] for place in part.places]
            policy = self.context.rules.merge_policy
            self.waiting += waiting_notes(records, problem, clustering, policy)

    def _forbidden(self, places: Sequence[int]) -> Flags | None:
        if not self.case.word.apart:
            return self.vetoes.among(places) if self.vetoes.are_any else None
        forbidden: Flags = self.vetoes.among(places)
        self.case.word.forbid(places, forbidden)
        return forbidden

    def finish(self, clusters: Sequence[Cluster]) -> Clustered:
        """All parts' clusters to outcomes, in the order of their records' numbers."""
        if len(self.case.records) == 1:
            return Clustered(outcomes=[self._outcome([0], 1.0)], notes=[])
        placed = self.place([members for members, _ in clusters])
        outcomes = [
            *(
                self._outcome(members, sure)
                for members, (_, sure) in zip(placed.clusters, clusters, strict=True)
            ),
            *(self._outcome(members, 1.0) for members in placed.groups),
            *(self._outcome(members, 1.0, ambiguous=True) for members in placed.ambiguous),
        ]
        return Clustered(
            outcomes=sorted(outcomes, key=lambda outcome: outcome.records),
            notes=self._notes(placed),
        )

    def place(self, clusters: Sequence[Sequence[int]]) -> Placed:
        """The anonymous records, to all parts' clusters."""
        return place_late(
            self.decisive,
            late=self.late,
            clusters=clusters,
            rules=self.context.rules,
            limits=self.limits,
            word=self.case.word,
        )

    def _outcome(self, members: Sequence[int], sure: float, *, ambiguous: bool = False) -> Outcome:
        numbers = tuple(self.case.records[place].number for place in sorted(members))
        return Outcome(records=numbers, confidence=sure, ambiguous=ambiguous)

    def _notes(self, placed: Placed) -> list[Note]:
        """Refused identifiers that a steward has said nothing of, and a component cut in parts."""
        groups = [*placed.clusters, *placed.groups, *placed.ambiguous]
        notes = [*self.waiting, *demoted_notes(self.case.records, self.joined, groups)]
        if len(self.parts) > 1:
            units = sum(len(part.units) for part in self.parts)
            notes.append(
                Note(
                    kind="component_cut",
                    detail={"units": units, "parts": len(self.parts)},
                    records=[self.case.records[0].number],
                    probability=CUT_PROBABILITY,
                    moved=len(self.case.records),
                )
            )
        return notes

    def _cut(self, units: Sequence[Unit]) -> list[Sequence[Unit]]:
        """The units, cut into parts small enough to be clustered by raising the floor."""
        if not units:
            return []  # only late records: anonymous visitors who share an alias
        ladder = self.context.ladder
        if len(units) <= ladder.units_max_at(0):
            return _small_enough([units])
        edges = [Edge(*edge) for edge in self.edges(units)]
        placed = lay_out(dict.fromkeys(range(len(units)), 0), edges, ladder)
        parts: dict[int, list[Unit]] = defaultdict(list)
        for number, place in placed.items():
            parts[place.part].append(units[number])
        return _small_enough(parts.values())

    def edges(self, units: Sequence[tuple[int, ...]]) -> list[tuple[int, int, int]]:
        """The edges between units, known by their indexes, with their weights."""
        place = {record.number: place for place, record in enumerate(self.case.records)}
        unit_of = {member: u for u, members in enumerate(units) for member in members}
        return [
            (unit_of[place[a]], unit_of[place[b]], weight)
            for (a, b), weight in sorted(self.case.weights.items())
            if place.get(a) in unit_of and place.get(b) in unit_of
        ]


def _small_enough(parts: Iterable[Sequence[Unit]]) -> list[Sequence[Unit]]:
    """Parts of few units may still hold many records: then each unit stays by itself.

    All their records would be compared with each other. Few people are so many records.
    """
    result: list[Sequence[Unit]] = []
    for part in parts:
        if len(part) > 1 and sum(map(len, part)) > PART_RECORDS_MAX:
            result.extend([unit] for unit in part)
        else:
            result.append(part)
    return result


def parts_asked(plans: Iterable[Plan]) -> list[Part]:
    """Those of several units, the smallest first: of these, links decide."""
    parts = (part for plan in plans for part in plan.parts if len(part.units) > 1)
    return sorted(parts, key=lambda part: len(part.places))


def weighed_in(parts: Sequence[Part], vectors: Mapping[Pair, bytes], *, width: int) -> Weighed:
    """What is known of the pairs of parts, by their size; those inside a unit nobody asks."""
    weighed = Weighed([part.numbers() for part in parts], width=width)
    weighed.put_pairs(vectors)
    for at, part in enumerate(parts):
        if len(part.units) < len(part.places):
            here = {place: index for index, place in enumerate(part.places)}
            for unit in part.units:
                if len(unit) > 1:
                    weighed.leave_out(at, [here[place] for place in unit])
    return weighed


def cluster_all(plans: Sequence[Plan], parts: Sequence[Part], weighed: Weighed) -> list[Clustered]:
    """Every component to its clusters; `parts` are those asked, of which all pairs are weighed."""
    problems = problems_of(parts, weighed)
    found: dict[int, list[Cluster]] = {}
    for part, problem, clustering in zip(parts, problems, agglomerate_all(problems), strict=True):
        found[id(part)] = clusters_of(part.places, clustering)
        part.plan.hold(part, problem, clustering)
    return [
        plan.finish([c for part in plan.parts for c in found.get(id(part)) or [(part.places, 1.0)]])
        for plan in plans
    ]


def problems_of(parts: Sequence[Part], weighed: Weighed) -> list[Problem]:
    """The problems of parts, the smallest first: those of one size are made ready at once."""
    problems: list[Problem] = []
    for _, group in groupby(parts, key=lambda part: len(part.places)):
        alike = list(group)
        found = weighed.of_parts(len(problems), len(alike))
        present = found != NULL
        weights = found * present
        for number, part in enumerate(alike):
            problems.append(part.plan.problem(part, weights[number], present[number]))
    return problems


def clusters_of(places: Sequence[int], clustering: Clustering) -> list[Cluster]:
    """The clusters of one part, and the probability of the weakest join of each."""
    groups: dict[int, list[int]] = defaultdict(list)
    labels = clustering.labels.tolist()
    for index, label in enumerate(labels):
        groups[label].append(places[index])
    weakest: dict[int, int] = {}
    for join in clustering.joins:
        label = labels[join.left]
        weakest[label] = min(join.weight, weakest.get(label, join.weight))
    return [
        (members, probability_of(weakest[label]) if label in weakest else 1.0)
        for label, members in sorted(groups.items())
    ]
