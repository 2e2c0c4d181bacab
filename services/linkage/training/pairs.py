"""Pairs of row numbers: those that share a value, samples of them, and random ones.

Rows are always in record-key order and every draw has a fixed seed, so nothing here depends on
the order in which records were handed over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.integer]
Vectors = npt.NDArray[np.int8]
"""Comparison vectors, one pair a row, one comparison a column: the level's index, -1 for null."""

_CODE_MAX = 2**61  # beyond this a conjunction of codes is numbered afresh, so that it cannot wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Groups of rows with equal values: rows[start : start + size] for every group."""

    rows: Ints
    starts: Ints
    sizes: Ints

    @property
    def pair_count(self) -> int:
        return int((self.sizes * (self.sizes - 1) // 2).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """The rows that have a value, and the value's number; one row may stand there repeatedly."""

    rows: Ints
    codes: Numbers


def conjunction(parts: Sequence[Coded], *, record_count: int) -> Coded:
    """Rows that have a value in every part, and the number of the combination.

    At most the first part may hold a row more than once.
    """
    rows, codes = parts[0].rows, parts[0].codes.astype(np.int64)
    for part in parts[1:]:
        full = np.full(record_count, -1, dtype=np.int64)
        full[part.rows] = part.codes
        other = full[rows]
        known = other >= 0
        rows, codes, other = rows[known], codes[known], other[known]
        width = int(other.max()) + 1 if len(other) else 1
        if len(codes) and int(codes.max()) + 1 > _CODE_MAX // width:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
        codes = codes * width + other
    return Coded(rows=rows, codes=codes)


def blocks_of(coded: Coded, *, size_max: int) -> Blocks:
    """The groups of 2 to size_max rows; larger ones are left out."""
    order = np.lexsort((coded.rows, coded.codes))
    rows, codes = coded.rows[order], coded.codes[order]
    if not len(codes):
        none = np.zeros(0, dtype=np.int64)
        return Blocks(rows=none, starts=none, sizes=none)
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    sizes = np.diff(np.r_[starts, len(codes)])
    kept = (sizes >= 2) & (sizes <= size_max)  # noqa: PLR2004 - a pair needs two
    return Blocks(rows=rows, starts=starts[kept], sizes=sizes[kept])


def pairs_in(blocks: Blocks) -> tuple[Ints, Ints]:
    """All pairs of the groups as (smaller row, larger row); a pair of two groups stands twice."""
    left: list[Ints] = []
    right: list[Ints] = []
    for size in np.unique(blocks.sizes):
        starts = blocks.starts[blocks.sizes == size][:, None]
        first, second = np.triu_indices(int(size), 1)
        left.append(blocks.rows[(starts + first).ravel()])
        right.append(blocks.rows[(starts + second).ravel()])
    if not left:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    a, b = np.concatenate(left), np.concatenate(right)
    different = a != b
    a, b = a[different], b[different]
    return np.minimum(a, b), np.maximum(a, b)


def some_at_once(blocks: Blocks, *, pairs_max: int) -> Iterator[Blocks]:
    """The same groups in parts that hold about pairs_max pairs each."""
    ends = np.cumsum(blocks.sizes * (blocks.sizes - 1) // 2)
    part = (ends - 1) // pairs_max
    cuts = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1).tolist(), len(ends)]
    for start, end in pairwise(cuts):
        yield Blocks(
            rows=blocks.rows, starts=blocks.starts[start:end], sizes=blocks.sizes[start:end]
        )


def sample_blocks(
    blocks: Blocks, *, pairs_max: int, rng: np.random.Generator
) -> tuple[Blocks, float]:
    """Whole groups drawn at random until they hold about pairs_max pairs.

    Every pair is equally likely. Also returns how many pairs each drawn pair stands for.
    """
    counts = blocks.sizes * (blocks.sizes - 1) // 2
    total = int(counts.sum())
    if total <= pairs_max:
        return blocks, 1.0
    order = rng.permutation(len(counts))
    drawn = order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), pairs_max)))]
    sample = Blocks(rows=blocks.rows, starts=blocks.starts[drawn], sizes=blocks.sizes[drawn])
    return sample, total / int(counts[drawn].sum())


def sample_pairs(
    blocks: Blocks, *, pairs_max: int, rng: np.random.Generator
) -> tuple[Ints, Ints, float]:
    """Pairs drawn evenly from all groups, and how many pairs each stands for."""
    counts = blocks.sizes * (blocks.sizes - 1) // 2
    total = int(counts.sum())
    if total <= pairs_max:
        return *pairs_in(blocks), 1.0
    drawn = np.unique(rng.integers(0, total, pairs_max))
    ends = np.cumsum(counts)
    block = np.searchsorted(ends, drawn, side="right")
    within = drawn - (ends[block] - counts[block])
    # The pairs of a group in the order (0,1), (0,2), (1,2), (0,3) ...: the larger one's triangle.
    second = ((1 + np.sqrt(1 + 8 * within.astype(np.float64))) // 2).astype(np.int64)
    first = within - second * (second - 1) // 2
    a, b = blocks.rows[blocks.starts[block] + first], blocks.rows[blocks.starts[block] + second]
    return np.minimum(a, b), np.maximum(a, b), total / len(drawn)


def random_pairs(record_count: int, *, pairs_max: int, seed: int) -> tuple[Ints, Ints]:
    """Pairs of different rows drawn evenly; all of them if there are no more than pairs_max."""
    if record_count * (record_count - 1) // 2 <= pairs_max:
        first, second = np.triu_indices(record_count, 1)
        return first.astype(np.int64), second.astype(np.int64)
    rng = np.random.default_rng(seed)
    a = rng.integers(0, record_count, pairs_max)
    b = rng.integers(0, record_count, pairs_max)
    different = a != b
    a, b = a[different], b[different]
    return np.minimum(a, b), np.maximum(a, b)


def ascending(numbers: Ints) -> Ints:
    """Sorted and distinct; numpy's own `unique` hashes, which takes ten times as long."""
    ordered = np.sort(numbers)
    if not len(ordered):
        return ordered
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]]


def is_among(numbers: Ints, ascending_numbers: Ints) -> npt.NDArray[np.bool_]:
    """Which of the numbers stand in the others; numpy's `isin` sorts both, held thrice."""
    if not len(ascending_numbers):
        return np.zeros(len(numbers), dtype=np.bool_)
    places = np.searchsorted(ascending_numbers, numbers)
    np.minimum(places, len(ascending_numbers) - 1, out=places)
    found: npt.NDArray[np.bool_] = ascending_numbers[places] == numbers
    return found


def distinct_vectors(vectors: Vectors) -> tuple[Vectors, Ints]:
    """The distinct rows and how often each occurs, in a fixed order."""
    codes = np.zeros(len(vectors), dtype=np.int64)
    width_so_far = 1
    for column in vectors.T:
        width = int(column.max(initial=-1)) + 2
        if width_so_far > _CODE_MAX // width:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            width_so_far = int(codes.max(initial=0)) + 1
        codes = codes * width + (column.astype(np.int64) + 1)
        width_so_far *= width
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    return vectors[first], counts.astype(np.int64)
