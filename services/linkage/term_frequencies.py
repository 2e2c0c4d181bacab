"""How common a value is among records that do not match, and what that does to a level's weight.

Values are kept as hashes, so that a model names nobody, and only those that three records or more
have in common: rarer ones are all worth the same. A hash is a checksum and a digest: the checksum
alone answers for the many values that are not kept, at a fifth of the digest's price.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log2
from zlib import crc32

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import to_units
from services.linkage.comparisons import PROBABILITY_MIN

COUNT_MIN = 3
"""A value must be this common to be kept."""
_TAIL_BITS = 32
_SIGN = 1 << 63


def term_hash(value: str) -> int:
    """A signed 64-bit hash: CRC-32 above, four bytes of BLAKE2b below."""
    encoded = value.encode()
    return _join(crc32(encoded), encoded)


def term_hashes(values: Iterable[str]) -> npt.NDArray[np.int64]:
    return np.array([term_hash(value) for value in values], dtype=np.int64)


def _join(checksum: int, encoded: bytes) -> int:
    tail = int.from_bytes(blake2b(encoded, digest_size=4).digest(), "big")
    return ((checksum << _TAIL_BITS | tail) ^ _SIGN) - _SIGN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermFrequencies:
    """Frequencies of one column. `hashes` are sorted; `mean` is over the records, not the values.

    The mean is what a level other than the exact one is measured against.
    """

    hashes: npt.NDArray[np.int64]
    frequencies: npt.NDArray[np.float64]
    default: float
    mean: float

    @classmethod
    def of(
        cls, frequencies: Mapping[str, float], *, default: float, mean: float
    ) -> "TermFrequencies":
        """From the values worth keeping (see COUNT_MIN) and the frequency of all others."""
        hashes = term_hashes(frequencies)
        values = np.array(list(frequencies.values()), dtype=np.float64)
        order = np.argsort(hashes, kind="stable")
        return cls(hashes=hashes[order], frequencies=values[order], default=default, mean=mean)

    def of_values(self, values: Iterable[str]) -> list[float]:
        """The frequency of each value."""
        table = dict(zip(self.hashes.tolist(), self.frequencies.tolist(), strict=True))
        return [table.get(term_hash(value), self.default) for value in values]


class Adjuster:
    """What the frequency of a value adds to the weight of a level, in units of 2^-20 bits.

    The weight of the level is log2(m/u) + log2(reference/tf): the reference is u itself for an
    exact level, the mean frequency for any other. Of a pair the smaller adjustment counts, which
    is Splink's larger frequency.
    """

    def __init__(self, terms: TermFrequencies, *, reference: float) -> None:
        bits = log2(max(reference, PROBABILITY_MIN))
        known = zip(terms.hashes.tolist(), terms.frequencies.tolist(), strict=True)
        self._units = {h: _adjustment(bits, frequency) for h, frequency in known}
        self._checksums = frozenset((h >> _TAIL_BITS) & 0xFFFFFFFF for h in self._units)
        self.default = _adjustment(bits, terms.default)
        self._met: dict[str, int] = {}
        """Values found so far: never more than are kept, and worth a digest each."""
        self._sorted: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]] | None = None

    def adjustment(self, value: str) -> int:
        met = self._met.get(value)
        if met is not None:
            return met
        encoded = value.encode()
        checksum = crc32(encoded)
        if checksum not in self._checksums:
            return self.default
        found = self._units.get(_join(checksum, encoded))
        if found is None:
            return self.default
        self._met[value] = found
        return found

    def adjustments(self, values: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """One adjustment a value; a null never reaches a level that is adjusted."""
        adjustment = self.adjustment
        return np.array([0 if v is None else adjustment(v) for v in values], dtype=np.int32)

    def of_hashes(self, hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The same of values known by their hashes, for many at once."""
        if not self._units:
            return np.full(len(hashes), self.default, dtype=np.int32)
        if self._sorted is None:
            known = sorted(self._units.items())
            self._sorted = (
                np.array([each for each, _ in known], dtype=np.int64),
                np.array([units for _, units in known], dtype=np.int32),
            )
        known_hashes, units = self._sorted
        places = np.minimum(np.searchsorted(known_hashes, hashes), len(known_hashes) - 1)
        found = known_hashes[places] == hashes
        return np.where(found, units[places], np.int32(self.default))


def _adjustment(reference_bits: float, frequency: float) -> int:
    return to_units(reference_bits - log2(max(frequency, PROBABILITY_MIN)))
