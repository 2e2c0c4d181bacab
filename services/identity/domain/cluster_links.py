"""What links the clusters so far, two by two: the evidence of their records, added up join by join.

Two clusters have one place for all that is known of them: that of the pair of their smallest
members, in row order above the diagonal. Whoever is asked, `square_of_pairs` finds it, so nothing
stands twice. A component of hundreds of records takes its time by the memory that it touches first:
its arrays are made once, and what is worked out on the way is small.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from services.identity.domain.alone import NO_LINK, REACH, credit, strongest_claim
from services.identity.domain.links import Floats, add_up, bounded, evidence, mean_weights, shares
from services.identity.domain.merge_policy import count_personal
from services.identity.domain.weights import Relatives, Units

SIZES_KEPT = 16  # indexes of the pairs of so many sizes: 4 MB for 512 records

Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


class ClusterLinks:
    """Of c components of n records each, one after the other; a smaller one lacks some.

    `weights` and `present` are [c, pairs, k]; `apart`, [c, pairs], says which no link may join. The
    last place of each component is that of a cluster with itself. Methods take the numbers of
    distinct components, and a cluster or two of each; a cluster is known by its smallest member.
    """

    left: Labels
    right: Labels
    weights: Units

    def __init__(
        self,
        weights: Numbers,
        present: Flags,
        apart: Flags,
        *,
        size: int,
        relatives: Relatives,
        prior: int,
        tau: float,
        alone_share: float,
    ) -> None:
        self._relatives, self._prior, self._tau = relatives, prior, tau
        self._alone_share, self._credit = alone_share, credit(alone_share)
        self._least = -REACH if self._credit else 0  # links below say nothing
        self._sides, self._places = pairs_of(size), square_of_pairs(size)
        count, pairs, width = weights.shape
        self._stride = pairs + 1
        weights = bounded(weights, present)
        sums, counts = np.empty((2, count, self._stride, width))
        shares(present, out=counts[:, :-1])
        evidence(weights, counts[:, :-1], tau=tau, out=sums[:, :-1])
        sums[:, -1] = counts[:, -1] = 1.0
        barred = np.ones((count, self._stride), dtype=bool)
        barred[:, :-1] = apart
        links = np.full((count, self._stride), NO_LINK)
        links[:, :-1] = self._add_up(weights, apart)
        # By place; of each comparison the evidence, and how many pairs of records have it.
        self._sums, self._counts = sums.reshape(-1, width), counts.reshape(-1, width)
        self._apart, self._links = barred.reshape(-1), links.reshape(-1)

    def best(self, active: Labels, *, single: Callable[[int], Flags]) -> Labels:
        """Those of `active` that have a link above even odds; it stands in left, right, weights.

        Of equal links the first in row order, so the smaller pair. Where there is none, a claim on
        one of the `single` records of the component.
        """
        if not len(active):
            return active
        links = self._links.reshape(-1, self._stride)
        if len(active) < len(links):
            links = links[active]
        places = links.argmax(axis=1)
        weights = links[np.arange(len(active)), places]
        going = weights > 0
        if self._credit:
            for place in np.flatnonzero(~going & (weights > -self._credit)).tolist():
                flags = single(int(active[place]))
                claim = strongest_claim(links[place][self._places], flags, share=self._alone_share)
                if claim is not None:
                    going[place], weights[place] = True, claim.weight
                    places[place] = self._places[claim.left, claim.right]
        places = places[going]
        self.left, self.right = (side[places] for side in self._sides)
        self.weights = weights[going]
        on: Labels = active[going]
        return on

    def personal_fields(self, number: int, left: int, right: int) -> int:
        """How many fields that no household shares speak strongly for a link."""
        place = number * self._stride + self._places[left, right]
        return count_personal(self._columns(place), self._relatives.shared)

    def part(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """For good: what a cluster holds only grows."""
        self._apart[numbers * self._stride + self._places[left, right]] = True
        self.put_off(numbers, left, right)

    def put_off(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """Until one of the two grows: what a cluster has to show may then be more."""
        self._links[numbers * self._stride + self._places[left, right]] = NO_LINK

    def join(self, numbers: Labels, left: Labels, right: Labels) -> None:
        """The right cluster goes into the left: sums and flags add up, no pair is revisited."""
        into, gone = self._at(numbers, left), self._at(numbers, right)
        for each in (self._sums, self._counts):
            each[into] = each.take(into, axis=0) + each.take(gone, axis=0)
        self._apart[into] |= self._apart[gone]
        self._apart[gone] = True
        self._links[gone] = NO_LINK

    def relink(self, numbers: Labels, heads: Labels) -> None:
        """The links of one cluster to all others, anew."""
        places = self._at(numbers, heads)
        self._links[places] = self._add_up(self._columns(places), self._apart[places])

    def _at(self, numbers: Labels, heads: Labels) -> Labels:
        """[c, n]: the places of a cluster with every other."""
        places: Labels = self._places[heads] + (numbers * self._stride)[:, None]
        return places

    def _columns(self, places: Labels) -> Floats:
        sums, counts = self._sums.take(places, axis=0), self._counts.take(places, axis=0)
        return mean_weights(sums, counts, tau=self._tau)

    def _add_up(self, columns: Numbers, apart: Flags) -> Units:
        """The links, where they can say something: what relatives share only takes off."""
        links = np.full(apart.shape, NO_LINK)
        before = np.einsum("...k->...", columns, dtype=np.float64)
        above = np.nonzero((before > self._least - self._prior) & ~apart)
        if len(above[0]):
            columns = columns[above].astype(np.int64)
            links[above] = add_up(columns, self._relatives, prior=self._prior)
        return links


@lru_cache(maxsize=SIZES_KEPT)
def pairs_of(size: int) -> tuple[Labels, Labels]:
    """The pairs of so many records in row order: the first of each, and the second."""
    rows, columns = np.triu_indices(size, 1)
    return rows, columns


@lru_cache(maxsize=SIZES_KEPT)
def square_of_pairs(size: int) -> Labels:
    """[n, n]: which pair, in row order above the diagonal; on the diagonal one past the last."""
    rows, columns = pairs_of(size)
    places: Labels = np.full((size, size), len(rows), dtype=np.int64)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return places


def pairs_within(own: int, size: int) -> Labels:
    """Where the pairs of the first records stand among those of all."""
    places: Labels = square_of_pairs(size)[pairs_of(own)]
    return places
