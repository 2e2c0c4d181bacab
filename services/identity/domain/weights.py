"""Match weights as integers, and what evidence that relatives share is worth.

A weight is log2 of a Bayes factor. It leaves the scorer as an integer of 2^-20 bits, so that sums
are exact and no order of addition can change a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    """Shares of all pairs that are two people who look alike for a reason.

    `household` share what a household shares; `twins` a birth date too, `namesakes` a given name
    too: a son called like his father.
    """

    household: float = 0.0
    twins: float = 0.0
    namesakes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relatives:
    """How relatives look alike under a model: which comparisons they share, how many they are.

    `shared` are those of a household, `born` those of the birth date, `given` of the given name;
    each has an entry a comparison. `seldom` says of a shared comparison how many relatives share
    it, where that is less than all: people of one address have telephones of their own.
    """

    shared: tuple[bool, ...]
    born: tuple[bool, ...]
    given: tuple[bool, ...]
    kinship: Kinship
    seldom: tuple[tuple[int, float], ...] = ()

    @classmethod
    def household(cls, shared: Sequence[bool], *, share: float) -> "Relatives":
        """Without twins and namesakes."""
        nobody = (False,) * len(shared)
        return cls(
            shared=tuple(shared), born=nobody, given=nobody, kinship=Kinship(household=share)
        )

    def taken_off(self, weights: Integers) -> Units:
        """What is taken off evidence (comparisons along the last axis) that relatives show too.

        log2(1 + h 2^S + t 2^(S+B) + j 2^(S+G)), with S, B, G the evidence of what a household
        shares, of the birth date and of the given name: two relatives agree there for a reason,
        and in the rest by chance. So S alone is never worth more than log2(1/h). Of a comparison
        that a part e of all relatives shares, S has log2(e 2^w + 1 - e).
        """
        if not any(self.shared):
            return np.zeros(weights.shape[:-1], dtype=np.int64)
        roles = np.array((self.shared, self.born, self.given), dtype=np.int64).T
        bits = (weights @ roles) / UNITS_PER_BIT
        together, born, given = bits[..., 0], bits[..., 1], bits[..., 2]
        for column, share in self.seldom:
            evidence = weights[..., column] / UNITS_PER_BIT
            together -= not_of_relatives(evidence, share=share)
            if not self.shared[column]:
                together += evidence
        kin = self.kinship
        kinds = (
            (kin.household, together),
            (kin.twins, together + born),
            (kin.namesakes, together + given),
        )
        exponents = [each + np.log2(share) for share, each in kinds if share > 0]
        if not exponents:
            return np.zeros(weights.shape[:-1], dtype=np.int64)
        return _to_units_array(_log2_one_plus(reduce(np.logaddexp2, exponents)))


def not_of_relatives(bits: npt.NDArray[np.float64], *, share: float) -> npt.NDArray[np.float64]:
    """What evidence loses as evidence of relatives when only a part of them shares it."""
    loss: npt.NDArray[np.float64] = bits - np.logaddexp2(bits + np.log2(share), np.log2(1 - share))
    return loss


def _log2_one_plus(exponent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """log2(1 + 2^exponent) without overflow."""
    result: npt.NDArray[np.float64] = np.logaddexp2(0.0, exponent)
    return result


def _to_units_array(bits: npt.NDArray[np.float64]) -> Units:
    result: Units = np.rint(bits * UNITS_PER_BIT).astype(np.int64)
    return result
