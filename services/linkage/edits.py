"""Edits between many pairs of short texts at once: Damerau and Levenshtein's, up to a few.

An edit adds, takes or changes one letter, or swaps two that stand beside each other, letters
between them added or taken at one edit each (Lowrance and Wagner, 1975). Checked against DuckDB's
by tests/property/test_sure.py.
"""

import numpy as np
import numpy.typing as npt

from services.linkage.letters import Places, Texts

_FAR = 100  # more than any bound, and twice that still fits into a byte
_Letters = list[npt.NDArray[np.uint8]]
_Cells = dict[tuple[int, int], npt.NDArray[np.uint8]]


def edits_up_to(most: int, texts: Texts, one: Places, other: Places) -> npt.NDArray[np.int32]:
    """The edits between texts by number; `most` and one where there are more than that."""
    sizes = texts.sizes[one], texts.sizes[other]
    longest = int(max(sizes[0].max(), sizes[1].max()))
    cells = _Band(most, _spread(texts, one, longest), _spread(texts, other, longest)).cells(
        pairs=len(one)
    )
    found = np.full(len(one), most + 1, dtype=np.int32)
    ends = sizes[0] * (longest + 1) + sizes[1]
    for end in np.flatnonzero(np.bincount(ends)).tolist():
        cell = cells.get(divmod(end, longest + 1))
        if cell is not None:
            here = ends == end
            found[here] = cell[here]
    return np.minimum(found, most + 1)


def _spread(texts: Texts, places: Places, longest: int) -> _Letters:
    """The texts' letters, an array a position; what stands beyond a text's end is never asked."""
    starts, last = texts.offsets[places], len(texts.bytes_) - 1
    return [texts.bytes_[np.minimum(starts + place, last)] for place in range(longest)]


class _Band:
    """The edits between starts of the texts whose lengths differ by no more than a bound."""

    def __init__(self, most: int, one: _Letters, other: _Letters) -> None:
        self._most = most
        self._one = one
        self._other = other
        self._differing: _Cells = {}

    def cells(self, *, pairs: int) -> _Cells:
        size, cells = len(self._one), _Cells()
        for a in range(size + 1):
            for b in range(max(0, a - self._most), min(size, a + self._most) + 1):
                edge = np.full(pairs, max(a, b), dtype=np.uint8) if not a or not b else None
                cells[a, b] = self._cell(cells, a, b) if edge is None else edge
        return cells

    def _cell(self, cells: _Cells, a: int, b: int) -> npt.NDArray[np.uint8]:
        found = cells[a - 1, b - 1] + self._differs(a, b)
        for before in ((a - 1, b), (a, b - 1)):
            if before in cells:
                np.minimum(found, cells[before] + np.uint8(1), out=found)
        for edits, i, j in self._swaps(a, b):
            if (i - 1, j - 1) in cells:
                both = self._differs(i, b) | self._differs(a, j)
                swapped = cells[i - 1, j - 1] + np.uint8(edits) + both * np.uint8(_FAR)
                np.minimum(found, swapped, out=found)
        return found

    def _swaps(self, a: int, b: int) -> list[tuple[int, int, int]]:
        """What a swap that ends at both letters costs, and the letters where it begins."""
        return [
            (1 + taken + added, a - 1 - taken, b - 1 - added)
            for taken in range(self._most)
            for added in range(self._most - taken)
            if a - 1 - taken >= 1 and b - 1 - added >= 1
        ]

    def _differs(self, a: int, b: int) -> npt.NDArray[np.uint8]:
        found = self._differing.get((a, b))
        if found is None:
            found = (self._one[a - 1] != self._other[b - 1]).view(np.uint8)
            self._differing[a, b] = found
        return found
