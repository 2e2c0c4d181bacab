"""What pairs of records inside parts weigh, in one array: a row a pair, found by its records. Pure.

A component of hundreds of records has tens of thousands of pairs, all of them known but those of
who is new. As Python values one by one they would take most of a batch's time.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from services.identity.domain.cluster_links import pairs_of, square_of_pairs
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.edges import NULL

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.int32]
"""Comparison vectors, [pairs, k], with NULL where a comparison was null."""


class Weighed:
    """All pairs of parts: those of a part in row order above the diagonal, part after part.

    `parts` are record numbers, in an order that is kept, the smallest part first. No record stands
    in two. What is not known is NULL.
    """

    def __init__(self, parts: Sequence[Sequence[int]], *, width: int) -> None:
        """`width`: how many comparisons a vector has."""
        self._numbers = np.fromiter(chain.from_iterable(parts), dtype=np.int64)
        self._order = np.argsort(self._numbers)
        self._sorted = self._numbers[self._order]
        self._sizes = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        self._heads = _starts(self._sizes)
        self._starts = _starts(self._sizes * (self._sizes - 1) // 2)
        self._part_of = np.repeat(np.arange(len(parts)), self._sizes)
        self.vectors: Vectors = np.full((int(self._starts[-1]), width), NULL, dtype=np.int32)
        self._is_known: Flags = np.zeros(len(self.vectors), dtype=bool)

    def put_pairs(self, vectors: Mapping[Pair, bytes]) -> None:
        """What is known of pairs by record number; of those outside the parts nothing is kept."""
        if vectors and len(self.vectors):
            ends = np.fromiter(chain.from_iterable(vectors), np.int64, count=2 * len(vectors))
            raw = np.frombuffer(b"".join(vectors.values()), dtype="<i4")
            places = np.arange(len(ends)).reshape(-1, 2)
            self.put(ends, places, raw.reshape(len(vectors), -1))

    def put(self, numbers: Numbers, ends: Numbers, vectors: Vectors) -> None:
        """The same, `ends` being the places of a pair's records among the numbers."""
        at = np.searchsorted(self._sorted, numbers)
        at[at == len(self._sorted)] = 0
        is_here = self._sorted[at] == numbers
        at = self._order[at]
        part = np.where(is_here, self._part_of[at], -1)
        left, right = at[ends[:, 0]], at[ends[:, 1]]
        part, other = part[ends[:, 0]], part[ends[:, 1]]
        is_inside = (part == other) & (part >= 0)
        if not is_inside.all():
            part, left, right = part[is_inside], left[is_inside], right[is_inside]
            vectors = vectors[is_inside]
        self.put_rows(self._rows(part, left, right), vectors)

    def put_rows(self, rows: Numbers, vectors: Vectors) -> None:
        self.vectors[rows] = vectors
        self._is_known[rows] = True

    def leave_out(self, part: int, places: Sequence[int]) -> None:
        """Nobody asks what these records of a part weigh among each other."""
        size = int(self._sizes[part])
        inside = square_of_pairs(size)[np.ix_(places, places)].reshape(-1)
        self._is_known[self._starts[part] + inside[inside < size * (size - 1) // 2]] = True

    def missing(self) -> list[Numbers]:
        """Of each part the rows of which nothing is known."""
        rows = np.flatnonzero(~self._is_known)
        bounds = np.searchsorted(rows, self._starts).tolist()
        return [rows[start:end] for start, end in pairwise(bounds)]

    def ends(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Of rows in their order the records, by number, and of each pair their places in these."""
        places = self._ends(rows)
        is_used = np.zeros(len(self._numbers), dtype=bool)
        is_used[places] = True
        used = np.flatnonzero(is_used)
        place = np.empty(len(self._numbers), dtype=np.int64)
        place[used] = np.arange(len(used))
        return self._numbers[used], place[places]

    def _ends(self, rows: Numbers) -> Numbers:
        """[rows, 2]: the places of both records among those of all parts."""
        part = np.searchsorted(self._starts, rows, side="right") - 1
        inside = rows - self._starts[part]
        sizes, firsts = np.unique(self._sizes[part], return_index=True)  # by size, as parts are
        bounds = [*firsts.tolist(), len(rows)]
        ends = np.empty((len(rows), 2), dtype=np.int64)
        for size, first, end in zip(sizes.tolist(), bounds, bounds[1:], strict=False):
            for side, places in enumerate(pairs_of(size)):
                ends[first:end, side] = places[inside[first:end]]
        ends += self._heads[part][:, None]
        return ends

    def _rows(self, part: Numbers, left: Numbers, right: Numbers) -> Numbers:
        """Where pairs of records of one part stand, whose places are among those of all parts."""
        head, size = self._heads[part], self._sizes[part]
        low, high = np.minimum(left, right) - head, np.maximum(left, right) - head
        rows: Numbers = self._starts[part] + low * (2 * size - low - 1) // 2 + high - low - 1
        return rows

    def of_parts(self, first: int, count: int) -> Vectors:
        """[parts, pairs, k] of parts of one size that stand together."""
        start, end = self._starts[first], self._starts[first + count]
        return self.vectors[start:end].reshape(count, -1, self.vectors.shape[1])


def _starts(counts: Numbers) -> Numbers:
    """Where each begins, one after the other, and where the last ends."""
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
