"""What the link between two clusters weighs, column by column.

What a comparison says of two clusters is the power mean (tau) of its evidence over all pairs of
their records in which it is not null. Columns add up with the prior; what relatives share is
capped. clustering.py decides by the same functions that explain here.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import UNITS_PER_BIT, Integers, Relatives, Units

WEIGHT_BITS_MAX = 30
"""One comparison of one pair counts for at most so much, for or against."""

_EVIDENCE_SCALE = 1 << 32  # exp2(0.1 * 30) is 8: sums over 2**16 pairs stay below 2**53
_BOUND = WEIGHT_BITS_MAX * UNITS_PER_BIT

Flags = npt.NDArray[np.bool_]


class Link(NamedTuple):
    """Two clusters compared: of each comparison its weight, and in how many pairs it is not null.

    Prior, columns and household cap add up to the total, in units of 2^-20 bits.
    """

    columns: tuple[int, ...]
    counts: tuple[int, ...]
    pairs: int
    household: int
    total: int


def bounded(weights: Integers, present: Flags) -> Integers:
    """Weights as links take them: within bounds, and 0 where null."""
    within: Integers = weights.clip(-_BOUND, _BOUND) * present
    return within


def evidence(weights: Integers, present: Flags, *, tau: float) -> Units:
    """What is summed over pairs: 2^(tau w) as an exact integer, or w itself for tau 0."""
    if tau == 0:
        return weights.astype(np.int64)
    powers = np.exp2(weights * (tau / UNITS_PER_BIT)) * _EVIDENCE_SCALE
    summands: Units = np.rint(powers).astype(np.int64) * present
    return summands


def mean_weights(sums: Units, counts: Units, *, tau: float) -> Units:
    """Sums of evidence back to weights, 0 where no pair had any."""
    means = sums / np.maximum(counts, 1)
    if tau == 0:
        weights = np.rint(means).astype(np.int64)
    else:
        bits = np.log2(np.maximum(means, 1.0) / _EVIDENCE_SCALE) / tau
        weights = np.rint(bits * UNITS_PER_BIT).astype(np.int64)
    return np.where(counts > 0, weights, 0)


def add_up(weights: Units, relatives: Relatives, *, prior: int) -> Units:
    """Weights per comparison, along the last axis, to links."""
    links: Units = weights.sum(axis=-1) - relatives.taken_off(weights) + prior
    return links


def link_of(
    weights: Integers, present: Flags, *, relatives: Relatives, tau: float, prior: int
) -> Link:
    """The link of two clusters; `weights` and `present` are [k, n, m], of their records' pairs.

    Two single records keep their weights as they are: a mean of one would round them.
    """
    count, *sides = weights.shape
    flags = present.reshape(count, -1)
    rows = bounded(weights.reshape(count, -1).astype(np.int64), flags)
    counts = flags.sum(axis=1, dtype=np.int64)
    if sides == [1, 1]:
        columns = rows[:, 0].astype(np.int64)
    else:
        sums = evidence(rows, flags, tau=tau).sum(axis=1)
        columns = mean_weights(sums, counts, tau=tau)
    total = int(add_up(columns, relatives, prior=prior))
    return Link(
        columns=tuple(columns.tolist()),
        counts=tuple(counts.tolist()),
        pairs=int(np.prod(sides)),
        household=total - prior - int(columns.sum()),
        total=total,
    )
