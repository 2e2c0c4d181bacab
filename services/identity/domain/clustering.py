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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import UNITS_PER_BIT, Integers, Units, household_cap

WEIGHT_BITS_MAX = 30
"""One comparison of one pair counts for at most so much, for or against."""
COMPONENT_UNITS_MAX = 256
FLOOR_STEP = 2 * UNITS_PER_BIT

_EVIDENCE_SCALE = 1 << 32  # exp2(0.1 * 30) is 8: sums over 2**16 pairs stay below 2**53
_NEVER = np.iinfo(np.int64).min

Weights = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A component of n records in the order of their keys, compared in k ways.

    `weights` (2^-20 bits) and `present` are [k, n, n] and symmetric; `prior` is in 2^-20 bits;
    `shared` says which comparisons a household shares, `h` how much of that is believed. `units`
    are records joined beforehand, each unit a cluster to start from. `forbidden` pairs are never
    joined by a link. Each of `limited` says how many distinct values of one identifier a cluster
    may hold, and which each record has. `late` records take no part here.
    """

    weights: Weights
    present: Flags
    prior: int
    shared: Sequence[bool]
    h: float
    tau: float
    units: Sequence[Sequence[int]] = ()
    forbidden: Flags | None = None
    limited: Sequence[tuple[int, Sequence[frozenset[str]]]] = ()
    late: Flags | None = None

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

    `refused`: links above even odds that a limit forbade.
    """

    labels: Labels
    joins: tuple[Join, ...]
    refused: tuple[Join, ...] = ()


def link_of_pair(weights: Weights, *, prior: int, shared: Sequence[bool], h: float) -> int:
    """The link of two single records, nulls weighing 0: what `agglomerate` would find for them."""
    bound = WEIGHT_BITS_MAX * UNITS_PER_BIT
    clipped = weights.clip(-bound, bound)
    mask = np.array(shared, dtype=bool)
    personal = clipped[~mask].sum(dtype=np.int64)
    together = clipped[mask].sum(keepdims=True, dtype=np.int64)
    return int(personal + household_cap(together, share=h)[0] + prior)


def agglomerate(problem: Problem) -> Clustering:
    """The clusters of one component."""
    state = _State(problem)
    joins: list[Join] = []
    refused: list[Join] = []
    while (best := state.best()).weight > 0:
        if state.exceeds_limit(best.left, best.right):
            refused.append(best)
            state.forbid(best.left, best.right)
            continue
        joins.append(best)
        state.join(best.left, best.right)
        state.relink(best.left)
    return Clustering(labels=state.labels, joins=tuple(joins), refused=tuple(refused))


class _State:
    """The clusters so far. A cluster lives in the row of its smallest member.

    `_totals` is [n, n, 2k]: of two clusters the sum of the evidence of every comparison, then how
    many pairs of records have it. The comparisons stand last, so that a join moves short runs.
    """

    def __init__(self, problem: Problem) -> None:
        self._prior, self._h, self._tau = problem.prior, problem.h, problem.tau
        self._is_shared = np.array(problem.shared, dtype=np.int64)
        bound = WEIGHT_BITS_MAX * UNITS_PER_BIT
        present = np.moveaxis(problem.present, 0, 2)
        weights = np.moveaxis(problem.weights, 0, 2).clip(-bound, bound) * present
        self._totals = np.concatenate((_evidence(weights, present, tau=self._tau), present), axis=2)
        self._limits = [(most, list(values)) for most, values in problem.limited]
        self.labels: Labels = np.arange(problem.size, dtype=np.int64)
        self._apart = np.eye(problem.size, dtype=bool)
        if problem.forbidden is not None:
            self._apart |= problem.forbidden | problem.forbidden.T
        self._links = self._add_up(weights.astype(np.int64))
        heads = self._join_units(problem)
        self._links[self._apart] = _NEVER
        for head in heads:
            self.relink(head)

    def _join_units(self, problem: Problem) -> list[int]:
        """Start from the units; late records stay out of it. Gives the rows of joined units."""
        late = np.zeros(problem.size, dtype=bool) if problem.late is None else problem.late.copy()
        heads = []
        for unit in problem.units:
            head, *rest = sorted(unit)
            for record in rest:
                self.join(head, record)
            if rest:
                heads.append(head)
            late[head] = late[list(unit)].all()
        self._apart[late, :] = True
        self._apart[:, late] = True
        return heads

    def best(self) -> Join:
        """The strongest link; of equal ones the first in row order, so the smaller pair."""
        left, right = divmod(int(self._links.argmax()), len(self.labels))
        return Join(left, right, int(self._links[left, right]))

    def exceeds_limit(self, left: int, right: int) -> bool:
        return any(len(values[left] | values[right]) > most for most, values in self._limits)

    def forbid(self, left: int, right: int) -> None:
        """For good: what a cluster holds only grows."""
        self._apart[left, right] = self._apart[right, left] = True
        self._links[left, right] = self._links[right, left] = _NEVER

    def join(self, left: int, right: int) -> None:
        """The right cluster goes into the left: sums and flags add up, no pair is revisited."""
        self._totals[left] += self._totals[right]
        self._totals[:, left] = self._totals[left]
        self._apart[left] |= self._apart[right]
        self._apart[:, left] = self._apart[left]
        self._apart[right, :] = self._apart[:, right] = True
        self._links[right, :] = self._links[:, right] = _NEVER
        self.labels[self.labels == self.labels[right]] = left
        for _, values in self._limits:
            values[left] |= values[right]

    def relink(self, row: int) -> None:
        """The links of one cluster to all others, anew."""
        totals, width = self._totals[row], len(self._is_shared)
        sums, counts = totals[:, :width], totals[:, width:]
        weights = self._mean_weights(sums / np.maximum(counts, 1))
        links = self._add_up(np.where(counts > 0, weights, 0))
        links[self._apart[row]] = _NEVER
        self._links[row, :] = links
        self._links[:, row] = links

    def _mean_weights(self, means: npt.NDArray[np.float64]) -> Units:
        """Means of the evidence back to weights."""
        if self._tau == 0:
            return np.rint(means).astype(np.int64)
        bits = np.log2(np.maximum(means, 1.0) / _EVIDENCE_SCALE) / self._tau
        return np.rint(bits * UNITS_PER_BIT).astype(np.int64)

    def _add_up(self, weights: Units) -> Units:
        """Weights per comparison, along the last axis, to links."""
        together = weights @ self._is_shared
        personal = weights @ (1 - self._is_shared)
        links: Units = personal + household_cap(together, share=self._h) + self._prior
        return links


def _evidence(weights: Integers, present: Flags, *, tau: float) -> Units:
    """What is summed over pairs: 2^(tau w) as an exact integer, or w itself for tau 0."""
    if tau == 0:
        return weights.astype(np.int64)
    powers = np.exp2(weights * (tau / UNITS_PER_BIT)) * _EVIDENCE_SCALE
    evidence: Units = np.rint(powers).astype(np.int64) * present
    return evidence


def components(count: int, edges: Iterable[tuple[int, int]]) -> Labels:
    """Connected sets of `count` nodes: of each node the smallest node that it is connected to."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in edges:
        a, b = root(left), root(right)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return np.array([root(node) for node in range(count)], dtype=np.int64)


class Edge(NamedTuple):
    left: int
    right: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """`labels`: of each unit the smallest of its part. `floors`: the floor its part is cut at."""

    labels: Labels
    floors: Units

    @property
    def is_cut(self) -> bool:
        return len(np.unique(self.floors)) > 1


def ladder(
    count: int,
    edges: Iterable[tuple[int, int, int]],
    *,
    floor: int,
    units_max: int = COMPONENT_UNITS_MAX,
    step: int = FLOOR_STEP,
) -> Ladder:
    """Parts of `count` units over edges (left, right, weight) of at least the floor.

    A part of more than `units_max` units is cut again at a floor one step higher, as often as
    needed; the last step leaves single units.
    """
    floors = np.full(count, floor, dtype=np.int64)
    kept = [Edge(*edge) for edge in edges if edge[2] >= floor]
    labels = components(count, ((edge.left, edge.right) for edge in kept))
    while True:
        too_large = np.bincount(labels, minlength=count) > units_max
        if not too_large.any():
            return Ladder(labels=labels, floors=floors)
        cut = too_large[labels]
        floors[cut] += step
        kept = [edge for edge in kept if not cut[edge.left] or edge.weight >= floors[edge.left]]
        labels = components(count, ((edge.left, edge.right) for edge in kept))
