"""Match weights as integers, and what evidence that a household shares is worth.

A weight is log2 of a Bayes factor. It leaves the scorer as an integer of 2^-20 bits, so that sums
are exact and no order of addition can change a decision.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

UNITS_PER_BIT = 1 << 20

Integers = npt.NDArray[np.signedinteger[Any]]
Units = npt.NDArray[np.int64]
"""Match weights in units of 2^-20 bits."""


def to_units(bits: float) -> int:
    return round(bits * UNITS_PER_BIT)


def to_bits(units: int) -> float:
    return units / UNITS_PER_BIT


def household_cap(units: Integers, *, share: float) -> Units:
    """What a sum of shared evidence is worth when it may come from one household.

    cap(x) = x - log2(1 + h 2^x), h the share of all pairs that are two people of one household:
    never worth more than log2(1/h).
    """
    whole = units.astype(np.int64)
    if share <= 0:
        return whole
    return whole - _to_units_array(_log2_one_plus(whole / UNITS_PER_BIT + np.log2(share)))


def _log2_one_plus(exponent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """log2(1 + 2^exponent) without overflow."""
    result: npt.NDArray[np.float64] = np.logaddexp2(0.0, exponent)
    return result


def _to_units_array(bits: npt.NDArray[np.float64]) -> Units:
    result: Units = np.rint(bits * UNITS_PER_BIT).astype(np.int64)
    return result
