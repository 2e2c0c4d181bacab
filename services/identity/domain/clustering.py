"""Constrained per-comparison linkage over one component: weights in, clusters out.

Two clusters are compared column by column. What a comparison says of them is the power mean (tau)
of its evidence over all pairs of their records in which it is not null; columns add up with the
prior, shared evidence is capped, and the best link is joined until none is above even odds. So
nulls do not dilute, and one missing date is filled by the others. What is then still alone may be
claimed (alone.py).

Invariants, each with a test in tests/unit/services/identity/domain/test_clustering.py: sums are
exact, so no order of records or of joins can change a link; equal links go to the smaller pair in
the order of the records, which must be that of their keys; a veto or a limit is checked before each
join and holds in every cluster that this module forms.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.cluster_links import (
    ClusterLinks,
    pairs_of,
    pairs_within,
    square_of_pairs,
)
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.merge_policy import LeastEvidence, is_granted
from services.identity.domain.weights import Relatives

STACK_CELLS_MAX = 500_000  # weights of components worked on together: some 15 MB for a moment

SIZES_ALONE = 8  # records of a component; of larger ones several sizes are worked on together

Weights = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """Two clusters of more than `records_max` records each join only by a person's word.

    `granted`: records that such a word is about; two clusters that both hold one of a word may.
    """

    records_max: int
    granted: Sequence[frozenset[int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A component of `size` records in the order of their keys, compared in k ways.

    `weights` (2^-20 bits) and `present` are [pairs, k], of all pairs of records in row order above
    the diagonal; `prior` is in 2^-20 bits; `relatives` says which comparisons relatives share, and
    how much of that is believed; `alone_share` how many records are their person's only one.
    `units` are records joined beforehand, each unit a cluster to start from. `forbidden` pairs are
    never joined by a link. Each of `limited` says how many distinct values of one identifier a
    cluster may hold, and which each record has.
    """

    size: int
    weights: Weights
    present: Flags
    prior: int
    relatives: Relatives
    tau: float
    alone_share: float = 1.0
    units: Sequence[Sequence[int]] = ()
    forbidden: Flags | None = None
    limited: Sequence[tuple[MergeLimit, Sequence[frozenset[Held]]]] = ()
    radius: Radius | None = None
    least: LeastEvidence | None = None

    def between(self, left: Sequence[int], right: Sequence[int]) -> Labels:
        """Where all pairs of two groups of its records stand."""
        places: Labels = square_of_pairs(self.size)[np.ix_(left, right)].reshape(-1)
        return places


class Join(NamedTuple):
    """Two clusters, known by their smallest members, and the weight of the link between them."""

    left: int
    right: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clustering:
    """`labels`: of each record the smallest member of its cluster. `joins` in their order.

    `refused`: links above even odds that a limit forbade; `held`: those that wait for a person for
    what they would move, `lacking` for what they have to show.
    """

    labels: Labels
    joins: tuple[Join, ...]
    refused: tuple[Join, ...] = ()
    held: tuple[Join, ...] = ()
    lacking: tuple[Join, ...] = ()


def agglomerate(problem: Problem) -> Clustering:
    """The clusters of one component."""
    return agglomerate_all([problem])[0]


def agglomerate_all(problems: Sequence[Problem]) -> list[Clustering]:
    """The clusters of many components, each as if it were alone.

    Components of about one size take their steps together: what numpy costs is paid by the call.
    """
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, problem in enumerate(problems):
        model = problem.prior, problem.relatives, problem.tau, problem.alone_share
        alike[_about(problem.size), *model].append(index)
    found: dict[int, Clustering] = {}
    for indexes in alike.values():
        indexes.sort(key=lambda index: problems[index].size)
        cells = problems[indexes[-1]].weights.size
        together = max(1, STACK_CELLS_MAX // max(1, cells))
        for start in range(0, len(indexes), together):
            some = indexes[start : start + together]
            found.update(zip(some, _agglomerate([problems[i] for i in some]), strict=True))
    return [found[index] for index in range(len(problems))]


def _about(size: int) -> int:
    """Sizes that are worked on together: the small ones each for itself, as there are many."""
    if size <= SIZES_ALONE:
        return size
    octave = 1 << (size - 1).bit_length()
    return octave if size > octave * 3 // 4 else octave * 3 // 4


def _agglomerate(problems: Sequence[Problem]) -> list[Clustering]:
    """Problems of one model, by size. A round joins or refuses the best link of each."""
    state = _State(problems)
    links = state.links
    active = np.arange(len(problems))
    while len(active := links.best(active, single=state.single)):
        joined, left, right = active, links.left, links.right
        fits, waits = state.settle(active)
        if not fits.all():
            never = ~(fits | waits)
            links.part(active[never], left[never], right[never])
            links.put_off(active[waits], left[waits], right[waits])
            joined, left, right = active[fits], left[fits], right[fits]
        state.join(joined, left, right)
        links.relink(joined, left)
    return [
        Clustering(
            labels=state.labels[number, : problem.size],
            joins=tuple(state.joins[number]),
            refused=tuple(state.refused[number]),
            held=tuple(state.held[number]),
            lacking=tuple(state.lacking[number].values()),
        )
        for number, problem in enumerate(problems)
    ]


class _State:
    """The clusters so far of some problems, by size, and what became of each link that was best."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        size = problems[-1].size
        self.links = _links(problems)
        self._limits = [[(most, list(vs)) for most, vs in each.limited] for each in problems]
        self._radii = [each.radius for each in problems]
        self._least = [each.least for each in problems]
        self.joins: list[list[Join]] = [[] for _ in problems]
        self.refused: list[list[Join]] = [[] for _ in problems]
        self.held: list[list[Join]] = [[] for _ in problems]
        self.lacking: list[dict[tuple[int, int], Join]] = [{} for _ in problems]
        self._sizes = [[1] * size for _ in problems]
        self.labels: Labels = np.tile(np.arange(size, dtype=np.int64), (len(problems), 1))
        heads = [self._join_units(number, problem) for number, problem in enumerate(problems)]
        for step in zip_longest(*heads):
            numbers = [number for number, head in enumerate(step) if head is not None]
            joined = [head for head in step if head is not None]
            self.links.relink(np.array(numbers), np.array(joined))

    def _join_units(self, number: int, problem: Problem) -> list[int]:
        """Start from the units; the clusters of several records."""
        itself = np.array([number])
        heads: list[int] = []
        for unit in problem.units:
            if len(unit) > 1:
                head, *rest = sorted(unit)
                for record in rest:
                    self.join(itself, np.array([head]), np.array([record]))
                heads.append(head)
        return heads

    def single(self, number: int) -> Flags:
        """Which clusters are one record, and do not wait for a person's word."""
        single: Flags = np.array(self._sizes[number]) == 1
        for pair in self.lacking[number]:
            single[list(pair)] = False
        return single

    def settle(self, active: Labels) -> tuple[Flags, Flags]:
        """Which of the best links join, and which wait until more is known; others never do."""
        fits = np.ones(len(active), dtype=bool)
        waits = np.zeros(len(active), dtype=bool)
        links = (each.tolist() for each in (self.links.left, self.links.right, self.links.weights))
        for place, (number, *link) in enumerate(zip(active.tolist(), *links, strict=True)):
            join = Join(*link)
            if self.must_wait(number, join.left, join.right):
                self.held[number].append(join)
            elif self.exceeds_limit(number, join.left, join.right):
                self.refused[number].append(join)
            elif self.lacks_evidence(number, join):
                self.lacking[number][join.left, join.right] = join
                waits[place] = True
            else:
                self.joins[number].append(join)
                continue
            fits[place] = False
        return fits, waits

    def must_wait(self, number: int, left: int, right: int) -> bool:
        """Whether the join moves so many records that a person has to look at it first."""
        radius = self._radii[number]
        if radius is None:
            return False
        sizes = self._sizes[number]
        if min(sizes[left], sizes[right]) <= radius.records_max:
            return False
        one, other = self._members(number, left), self._members(number, right)
        return not is_granted(radius.granted, one, other)

    def lacks_evidence(self, number: int, join: Join) -> bool:
        """Whether the policy wants more for this join than the model does, or a person's word."""
        least = self._least[number]
        if least is None:
            return False
        personal = 0
        if least.personal_fields_min and join.weight >= least.weight_min:
            personal = self.links.personal_fields(number, join.left, join.right)
        if least.is_met(join.weight, personal):
            return False
        one, other = self._members(number, join.left), self._members(number, join.right)
        return not is_granted(least.granted, one, other)

    def _members(self, number: int, head: int) -> list[int]:
        found: list[int] = np.flatnonzero(self.labels[number] == head).tolist()
        return found

    def exceeds_limit(self, number: int, left: int, right: int) -> bool:
        return any(
            most.is_broken_by(values[left] | values[right]) for most, values in self._limits[number]
        )

    def join(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """The right cluster goes into the left."""
        self.links.join(numbers, left, right)
        labels = self.labels[numbers]
        self.labels[numbers] = np.where(labels == right[:, None], left[:, None], labels)
        for number, one, other in zip(numbers.tolist(), left.tolist(), right.tolist(), strict=True):
            self._sizes[number][one] += self._sizes[number][other]
            for _, values in self._limits[number]:
                values[one] |= values[other]
            if lacking := self.lacking[number]:  # they are asked again of the larger cluster
                for pair in [pair for pair in lacking if one in pair or other in pair]:
                    del lacking[pair]


def _links(problems: Sequence[Problem]) -> ClusterLinks:
    """Of problems by size; the pairs that a smaller one lacks are null and apart."""
    first, size = problems[0], problems[-1].size
    if len(problems) == 1:  # a large one is not copied
        weights, present = first.weights[np.newaxis], first.present[np.newaxis]
        apart = np.zeros(present.shape[:2], dtype=bool)
    elif first.size == size:
        weights = np.stack([each.weights for each in problems])
        present = np.stack([each.present for each in problems])
        apart = np.zeros(present.shape[:2], dtype=bool)
    else:
        weights, present, apart = _of_several_sizes(problems)
    for number, problem in enumerate(problems):
        if problem.forbidden is not None:
            forbidden = (problem.forbidden | problem.forbidden.T)[pairs_of(problem.size)]
            apart[number, pairs_within(problem.size, size)] = forbidden
    return ClusterLinks(
        weights,
        present,
        apart,
        size=size,
        relatives=first.relatives,
        prior=first.prior,
        tau=first.tau,
        alone_share=first.alone_share,
    )


def _of_several_sizes(problems: Sequence[Problem]) -> tuple[Weights, Flags, Flags]:
    shape = (len(problems), *problems[-1].weights.shape)
    weights, present = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=bool)
    apart = np.ones(shape[:2], dtype=bool)
    for number, problem in enumerate(problems):
        own = pairs_within(problem.size, problems[-1].size)
        weights[number, own], present[number, own] = problem.weights, problem.present
        apart[number, own] = False
    return weights, present, apart
