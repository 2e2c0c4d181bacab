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

_EVIDENCE_SCALE = 1 << 32  # exp2(0.1 * 30) is 8: sums over 2**16 pairs are exact
_BOUND = WEIGHT_BITS_MAX * UNITS_PER_BIT
_GRAIN = 2.0**-200  # 2**16 of them beside one pair are less than a sum can show

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Link(NamedTuple):
    """Two clusters compared: of each comparison its weight, and in how many pairs it is not null.

    Prior, columns and household cap add up to the total, in units of 2^-20 bits; with them what a
    claim on a record that nobody else could claim has gained (alone.py).
    """

    columns: tuple[int, ...]
    counts: tuple[int, ...]
    pairs: int
    household: int
    total: int
    claimed: int = 0

    def weighing(self, weight: int) -> "Link":
        """The link as it joined: one that is not above even odds by itself was a claim."""
        return self._replace(total=weight, claimed=weight - self.total)


def bounded(weights: Integers, present: Flags) -> Integers:
    """Weights as links take them: within bounds, and 0 where null."""
    within: Integers = weights.clip(-_BOUND, _BOUND)
    within *= present
    return within


def shares(present: Flags, *, out: Floats | None = None) -> Floats:
    """How much each pair has in a mean: 1, or a grain where null.

    Grains are lost in a sum with anything else, so nulls do not dilute; the mean of nulls alone is
    that of weights of 0. No sum needs a look at what was null.
    """
    counts: Floats = np.maximum(present, _GRAIN, out=out)
    return counts


def evidence(weights: Integers, counts: Floats, *, tau: float, out: Floats | None = None) -> Floats:
    """What is summed over pairs: 2^(tau w) as an exact integer, or w itself for tau 0."""
    summands: Floats = np.multiply(weights, tau / UNITS_PER_BIT if tau else 1.0, out=out)
    if tau:
        np.exp2(summands, out=summands)
        summands *= _EVIDENCE_SCALE
        np.rint(summands, out=summands)
    summands *= counts
    return summands


def mean_weights(sums: Floats, counts: Floats, *, tau: float) -> Floats:
    """Sums of evidence back to weights, which are whole numbers; 0 where no pair had any."""
    means = sums / counts
    if tau:
        np.maximum(means, 1.0, out=means)
        means /= _EVIDENCE_SCALE
        np.log2(means, out=means)
        means /= tau
        means *= UNITS_PER_BIT
    np.rint(means, out=means)
    return means


def add_up(weights: Units, relatives: Relatives, *, prior: int) -> Units:
    """Weights per comparison, along the last axis, to links."""
    links: Units = weights.sum(axis=-1) - relatives.taken_off(weights) + prior
    return links


def link_of(
    weights: Integers, present: Flags, *, relatives: Relatives, tau: float, prior: int
) -> Link:
    """The link of two clusters; `weights` and `present` are [pairs, k], of their records' pairs.

    Two single records keep their weights as they are: a mean of one would round them.
    """
    rows = bounded(weights, present)
    if len(rows) == 1:
        columns = rows[0].astype(np.int64)
    else:
        counts = shares(present)
        sums = evidence(rows, counts, tau=tau).sum(axis=0)
        columns = mean_weights(sums, counts.sum(axis=0), tau=tau).astype(np.int64)
    total = int(add_up(columns, relatives, prior=prior))
    return Link(
        columns=tuple(columns.tolist()),
        counts=tuple(present.sum(axis=0).tolist()),
        pairs=len(rows),
        household=total - prior - int(columns.sum()),
        total=total,
    )
