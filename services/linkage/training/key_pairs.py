"""The distinct pairs that a set of blocking keys makes, and which of the keys make each."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from services.linkage.training.pairs import Floats, Ints, is_among

KEYS_MAX = 64
"""Keys held at once: a bit each."""

_PRIME = np.uint64(0x9E3779B97F4A7C15)  # spreads neighbouring numbers over the whole range
_RANGE = 2.0**64


class KeyPairs:
    """Pairs as numbers, ascending. A key has a place, which is free again when it is left out."""

    def __init__(self) -> None:
        self.pairs: Ints = np.zeros(0, dtype=np.int64)
        self._makers: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)

    def new_among(self, pairs: Ints) -> int:
        """How many of these, ascending and distinct, no key makes yet."""
        return int(len(pairs) - is_among(pairs, self.pairs).sum())

    def add(self, place: int, pairs: Ints) -> None:
        """Both ascend, so they are merged: to sort so many pairs for every key takes minutes."""
        extra = pairs[~is_among(pairs, self.pairs)]
        places = np.searchsorted(self.pairs, extra)
        self.pairs = np.insert(self.pairs, places, extra)
        self._makers = np.insert(self._makers, places, np.uint64(0))
        self._makers[np.searchsorted(self.pairs, pairs)] |= _bit(place)

    def leave_out(self, place: int) -> None:
        """Take the key away, and the pairs that it alone made."""
        self._makers &= ~_bit(place)
        self._keep(self._makers != 0)

    def some(self, pairs_max: int) -> tuple["KeyPairs", float]:
        """About pairs_max of the pairs, evenly drawn, and how many each stands for."""
        result = KeyPairs()
        result.pairs, result._makers = self.pairs, self._makers.copy()
        if len(self.pairs) <= pairs_max:
            return result, 1.0
        share = pairs_max / len(self.pairs)
        mixed = self.pairs.astype(np.uint64) * _PRIME
        result._keep(mixed < np.uint64(share * _RANGE))
        return result, 1 / share

    def made_by(self, place: int) -> npt.NDArray[np.bool_]:
        made: npt.NDArray[np.bool_] = (self._makers & _bit(place)) != 0
        return made

    def alone(self, weights: Floats | None = None) -> Floats:
        """By place how many pairs no other key makes, or the sum of their weights."""
        once = (self._makers & (self._makers - np.uint64(1))) == 0
        places = np.log2(self._makers[once].astype(np.float64)).astype(np.int64)
        found = None if weights is None else weights[once]
        result: Floats = np.bincount(places, weights=found, minlength=KEYS_MAX).astype(np.float64)
        return result

    def cost(self, growth: Mapping[int, float]) -> float:
        """Of all pairs, each as its cheapest key lets it grow."""
        left = np.ones(len(self.pairs), dtype=np.bool_)
        cost = 0.0
        for place in sorted(growth, key=lambda place: growth[place]):
            mine = left & self.made_by(place)
            cost += growth[place] * int(mine.sum())
            left &= ~mine
        return cost

    def _keep(self, kept: npt.NDArray[np.bool_]) -> None:
        self.pairs, self._makers = self.pairs[kept], self._makers[kept]


def _bit(place: int) -> np.uint64:
    return np.uint64(1 << place)
