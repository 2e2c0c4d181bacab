"""Constrained per-comparison linkage over one component: weights in, clusters out.

Two clusters are compared column by column. What a comparison says of them is the power mean (tau)
of its evidence over all pairs of their records in which it is not null; columns add up with the
prior, shared evidence is capped, and the best link is joined until none is above even odds. So
nulls do not dilute, and one missing date is filled by the others.

Invariants, each with a test in tests/unit/services/identity/domain/test_clustering.py: sums are
exact integers, so no order of records or of joins can change a link; equal links go to the smaller
pair in the order of the records, which must be that of their keys; a veto or a limit is checked
before each join and holds in every cluster that this module forms.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.links import add_up, bounded, evidence, mean_weights
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.merge_policy import LeastEvidence, count_personal, is_granted
from services.identity.domain.weights import Relatives, Units

STACK_CELLS_MAX = 1_000_000  # weights of components worked on together: some 100 MB for a moment

SIZES_ALONE = 8  # records of a component; of larger ones several sizes are worked on together
SIZES_KEPT = 16  # indexes of squares of so many sizes: 2 MB for 512 records
_NEVER = np.iinfo(np.int64).min

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
    """A component of n records in the order of their keys, compared in k ways.

    `weights` (2^-20 bits) and `present` are [k, n, n] and symmetric; `prior` is in 2^-20 bits;
    `relatives` says which comparisons relatives share, and how much of that is believed. `units`
    are records joined beforehand, each unit a cluster to start from. `forbidden` pairs are never
    joined by a link. Each of `limited` says how many distinct values of one identifier a cluster
    may hold, and which each record has. `late` records take no part here.
    """

    weights: Weights
    present: Flags
    prior: int
    relatives: Relatives
    tau: float
    units: Sequence[Sequence[int]] = ()
    forbidden: Flags | None = None
    limited: Sequence[tuple[MergeLimit, Sequence[frozenset[Held]]]] = ()
    late: Flags | None = None
    radius: Radius | None = None
    least: LeastEvidence | None = None

    @property
    def size(self) -> int:
        return int(self.weights.shape[1])


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
        alike[_about(problem.size), problem.prior, problem.relatives, problem.tau].append(index)
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
    active = np.arange(len(problems))
    while len(active := state.best(active)):
        left, right = state.left, state.right
        fits, waits = state.settle(active)
        no = ~(fits | waits)
        if no.any():
            state.forbid(active[no], left[no], right[no])
        if waits.any():
            state.put_off(active[waits], left[waits], right[waits])
        state.join(active[fits], left[fits], right[fits])
        state.relink(active[fits], left[fits])
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
    """The clusters so far of c problems. A cluster lives in the row of its smallest member.

    n is the size of the largest; the rows that a smaller one lacks are kept apart from all.

    `_totals` is [c, n, n, 2k]: of two clusters the sum of the evidence of every comparison, then
    how many pairs of records have it. The comparisons stand last, so that a join moves short runs.
    Methods take the numbers of distinct problems, and a row or two of each.
    """

    left: Labels
    right: Labels
    weights: Units

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        self._prior, self._relatives, self._tau = first.prior, first.relatives, first.tau
        size, width = problems[-1].size, len(first.weights)
        rows, columns = np.triu_indices(size, 1)
        present = _pairs_of([_grown(each.present, size) for each in problems], rows, columns)
        weights = _pairs_of([_grown(each.weights, size) for each in problems], rows, columns)
        weights = bounded(weights, present)
        # One row more than there are pairs: what stands on the diagonal.
        pairs = np.zeros((len(problems), len(rows) + 1, 2 * width), dtype=np.int64)
        pairs[:, :-1, :width] = evidence(weights, present, tau=self._tau)
        pairs[:, :-1, width:] = present
        links = np.full((len(problems), len(rows) + 1), _NEVER, dtype=np.int64)
        links[:, :-1] = self._add_up(weights.astype(np.int64))
        places = square_of_pairs(size)
        self._totals: Units = pairs[:, places]
        self._links: Units = links[:, places]
        self._limits = [[(most, list(vs)) for most, vs in each.limited] for each in problems]
        self._radii = [each.radius for each in problems]
        self._least = [each.least for each in problems]
        self.joins: list[list[Join]] = [[] for _ in problems]
        self.refused: list[list[Join]] = [[] for _ in problems]
        self.held: list[list[Join]] = [[] for _ in problems]
        self.lacking: list[dict[tuple[int, int], Join]] = [{} for _ in problems]
        shape = (len(problems), size, size)
        self.labels: Labels = np.tile(np.arange(size, dtype=np.int64), (len(problems), 1))
        self._apart: Flags = np.broadcast_to(np.eye(size, dtype=bool), shape).copy()
        for number, problem in enumerate(problems):
            own = problem.size
            self._apart[number, own:] = self._apart[number, :, own:] = True
            if problem.forbidden is not None:
                forbidden = problem.forbidden | problem.forbidden.T
                self._apart[number, :own, :own] |= forbidden
        heads = [self._join_units(number, problem) for number, problem in enumerate(problems)]
        self._links[self._apart] = _NEVER
        for step in zip_longest(*heads):
            numbers = [number for number, head in enumerate(step) if head is not None]
            joined = [head for head in step if head is not None]
            self.relink(np.array(numbers), np.array(joined))

    def _join_units(self, number: int, problem: Problem) -> list[int]:
        """Start from the units; late records stay out of it. Gives the rows of joined units."""
        heads: list[int] = []
        if all(len(unit) == 1 for unit in problem.units) and problem.late is None:
            return heads
        late = np.zeros(self.labels.shape[1], dtype=bool)
        if problem.late is not None:
            late[: problem.size] = problem.late
        itself = np.array([number])
        for unit in problem.units:
            head, *rest = sorted(unit)
            for record in rest:
                self.join(itself, np.array([head]), np.array([record]))
            if rest:
                heads.append(head)
            late[head] = late[list(unit)].all()
        self._apart[number, late, :] = True
        self._apart[number, :, late] = True
        return heads

    def best(self, active: Labels) -> Labels:
        """Those of `active` that have a link above even odds; it stands in left, right, weights.

        Of equal links the first in row order, so the smaller pair.
        """
        if not len(active):
            return active
        flat = self._links[_at(active)].reshape(len(active), -1)
        places = flat.argmax(axis=1)
        weights = flat[np.arange(len(active)), places]
        going = weights > 0
        self.left, self.right = np.divmod(places[going], self.labels.shape[1])
        self.weights = weights[going]
        on: Labels = active[going]
        return on

    def settle(self, active: Labels) -> tuple[Flags, Flags]:
        """Which of the best links join, and which wait until more is known; others never do."""
        fits = np.ones(len(active), dtype=bool)
        waits = np.zeros(len(active), dtype=bool)
        links = (self.left.tolist(), self.right.tolist(), self.weights.tolist())
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
        one, other = self._members(number, left), self._members(number, right)
        if min(len(one), len(other)) <= radius.records_max:
            return False
        return not is_granted(radius.granted, one, other)

    def lacks_evidence(self, number: int, join: Join) -> bool:
        """Whether the policy wants more for this join than the model does, or a person's word."""
        least = self._least[number]
        if least is None:
            return False
        personal = 0
        if least.personal_fields_min and join.weight >= least.weight_min:
            totals, width = self._totals[number, join.left, join.right], len(self._relatives.shared)
            columns = mean_weights(totals[:width], totals[width:], tau=self._tau)
            personal = count_personal(columns, self._relatives.shared)
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

    def forbid(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """For good: what a cluster holds only grows."""
        for one, other in ((left, right), (right, left)):
            self._apart[numbers, one, other] = True
            self._links[numbers, one, other] = _NEVER

    def put_off(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """Until one of the two grows: what a cluster has to show may then be more."""
        self._links[numbers, left, right] = self._links[numbers, right, left] = _NEVER

    def join(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """The right cluster goes into the left: sums and flags add up, no pair is revisited."""
        if len(numbers) == 1:  # a large one alone: no copies of what indexes would gather
            totals, head, gone = self._totals[int(numbers[0])], int(left[0]), int(right[0])
            totals[head] += totals[gone]
            totals[:, head] = totals[head]
        else:
            self._totals[numbers, left] += self._totals[numbers, right]
            self._totals[numbers, :, left] = self._totals[numbers, left]
        self._apart[numbers, left] |= self._apart[numbers, right]
        self._apart[numbers, :, left] = self._apart[numbers, left]
        self._apart[numbers, right] = self._apart[numbers, :, right] = True
        self._links[numbers, right] = self._links[numbers, :, right] = _NEVER
        labels = self.labels[numbers]
        self.labels[numbers] = np.where(labels == right[:, None], left[:, None], labels)
        for number, one, other in zip(numbers.tolist(), left.tolist(), right.tolist(), strict=True):
            for _, values in self._limits[number]:
                values[one] |= values[other]
            if lacking := self.lacking[number]:  # they are asked again of the larger cluster
                for pair in [pair for pair in lacking if one in pair or other in pair]:
                    del lacking[pair]

    def relink(self, numbers: Labels, rows: Labels) -> None:
        """The links of one cluster to all others, anew."""
        totals, width = self._totals[numbers, rows], len(self._relatives.shared)
        sums, counts = totals[..., :width], totals[..., width:]
        links = self._add_up(mean_weights(sums, counts, tau=self._tau))
        links[self._apart[numbers, rows]] = _NEVER
        self._links[numbers, rows] = links
        self._links[numbers, :, rows] = links

    def _add_up(self, weights: Units) -> Units:
        return add_up(weights, self._relatives, prior=self._prior)


@lru_cache(maxsize=SIZES_KEPT)
def square_of_pairs(size: int) -> Labels:
    """[n, n]: which pair, in row order above the diagonal; on the diagonal one past the last."""
    rows, columns = np.triu_indices(size, 1)
    places: Labels = np.full((size, size), len(rows), dtype=np.int64)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return places


def _grown(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """[k, n, n] as [k, size, size], zero where it was not."""
    more = size - array.shape[1]
    return array if more == 0 else np.pad(array, ((0, 0), (0, more), (0, more)))


def _pairs_of(
    arrays: Sequence[npt.NDArray[Any]], rows: Labels, columns: Labels
) -> npt.NDArray[Any]:
    """Of c arrays [k, n, n] what stands above the diagonal, as [c, pairs, k]."""
    return np.stack([np.ascontiguousarray(each[:, rows, columns].T) for each in arrays])


def _at(numbers: Labels) -> Labels | slice:
    """The same places, without a copy where it is one."""
    return slice(int(numbers[0]), int(numbers[0]) + 1) if len(numbers) == 1 else numbers
