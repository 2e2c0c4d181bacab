"""Expectation maximisation on the counts of distinct comparison vectors.

u stays fixed; m and the shares are free. A few pseudo-pairs of the default m keep a level that a
small session never shows from becoming impossible. Besides matches and strangers there are
relatives: they agree on what a household shares as a match does, and on the rest as strangers do.
Without them, twins and siblings would teach that people change their given names.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.training.pairs import Floats, Vectors, distinct_vectors

_ITERATIONS_MAX = 60
_ITERATIONS_MIN = 6
_CONVERGED = 1e-5  # change of the share of matches
_CONTACT_START = 0.25  # relatives who share a telephone
_TELLING_BITS_MIN = 4.0  # personal evidence a session needs to tell a match from a relative
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a session says: its share of matches, and matches expected per comparison and level."""

    match_share: float
    expected: Mapping[int, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The comparisons on which relatives agree as matches do, and those on which only some do."""

    shared: frozenset[int] = frozenset()
    contacts: frozenset[int] = frozenset()


NO_HOUSEHOLD = Household()


def maximise(
    vectors: Vectors,
    *,
    free: Sequence[int],
    m: Sequence[Floats],
    u: Sequence[Floats],
    default_m: Sequence[Floats],
    start: float,
    pseudo_count: float,
    household: Household = NO_HOUSEHOLD,
) -> Expectation:
    """Run EM over the comparisons in `free`; `start` is the first guess of the share of matches.

    Source: Fellegi and Sunter (1969); Dempster, Laird and Rubin (1977), with a Dirichlet prior.
    """
    mixture = _Mixture(vectors[:, list(free)], [u[j] for j in free], [m[j] for j in free])
    mixture.share = start
    if _tells_relatives(free, m=m, u=u, shared=household.shared):
        mixture.expect_relatives(
            [x for x, j in enumerate(free) if j in household.shared],
            [x for x, j in enumerate(free) if j in household.contacts],
        )
    for iteration in range(_ITERATIONS_MAX):
        before = mixture.share
        expected = mixture.step()
        mixture.m = [
            smoothed(counts, default_m[j], pseudo_count)
            for j, counts in zip(free, expected, strict=True)
        ]
        if abs(mixture.share - before) < _CONVERGED and iteration >= _ITERATIONS_MIN:
            break
    return Expectation(match_share=mixture.share, expected=dict(zip(free, expected, strict=True)))


class _Mixture:
    """Matches, relatives and strangers; every list has an entry a comparison."""

    def __init__(self, vectors: Vectors, u: Sequence[Floats], m: Sequence[Floats]) -> None:
        patterns, self._counts = distinct_vectors(vectors)
        self._levels = list(patterns.T)
        self._known = [level >= 0 for level in self._levels]
        self._u = [np.maximum(each, _SMALLEST) for each in u]
        self.m = [np.array(each, dtype=np.float64) for each in m]
        self.share = 0.5
        self._related = 0.0
        self._shared: Sequence[int] = ()
        self._contacts: dict[int, float] = {}

    def expect_relatives(self, shared: Sequence[int], contacts: Sequence[int]) -> None:
        """Half of what chance does not explain: the personal comparisons decide between them."""
        self.share = self._related = self.share / 2
        self._shared = shared
        self._contacts = dict.fromkeys(contacts, _CONTACT_START)

    def step(self) -> list[Floats]:
        """Class every pair by what is believed so far; then the shares anew.

        Returns the matches expected per comparison and level.
        """
        matches, relatives = self._classes()
        total = self._counts.sum()
        if self._related:
            self._meet_contacts(relatives)
            self._related = float(min(max(relatives.sum() / total, 1e-6), 0.9))
        self.share = float(min(max(matches.sum() / total, 1e-6), 1 - 1e-6 - self._related))
        return [
            np.bincount(level[known], weights=matches[known], minlength=len(u)).astype(np.float64)
            for level, known, u in zip(self._levels, self._known, self._u, strict=True)
        ]

    def _classes(self) -> tuple[Floats, Floats]:
        """Of every pattern, how many of its pairs are matches and how many relatives."""
        agree = np.full(len(self._counts), np.log(self.share))
        together = np.full(len(self._counts), np.log(max(self._related, _SMALLEST)))
        for x, m in enumerate(self.m):
            agree += self._evidence(x, np.maximum(m, _SMALLEST))
            if x in self._shared:
                together += self._evidence(x, self._of_relatives(x))
        strangers = np.log(max(1 - self.share - self._related, _SMALLEST))
        others = np.logaddexp(together, strangers) if self._related else strangers
        matches = self._counts / (1 + np.exp(np.clip(others - agree, -500, 500)))
        kin = 1 / (1 + np.exp(np.clip(strangers - together, -500, 500)))
        return matches, (self._counts - matches) * kin

    def _evidence(self, x: int, likely: Floats) -> Floats:
        ratios: Floats = np.append(np.log(likely) - np.log(self._u[x]), 0.0)
        evidence: Floats = ratios[self._levels[x]]
        return evidence

    def _of_relatives(self, x: int) -> Floats:
        """How relatives agree: as matches do where they share the field, else as strangers."""
        share = self._contacts.get(x, 1.0)
        likely: Floats = share * np.maximum(self.m[x], _SMALLEST) + (1 - share) * self._u[x]
        return likely

    def _meet_contacts(self, relatives: Floats) -> None:
        """How many of the relatives share a telephone or an e-mail."""
        for x, share in self._contacts.items():
            known = self._known[x]
            having = (share * self.m[x] / self._of_relatives(x))[self._levels[x][known]]
            seen = float(relatives[known].sum())
            found = float((relatives[known] * having).sum())
            self._contacts[x] = (found + 1) / (seen + 1 / _CONTACT_START)


def _tells_relatives(
    free: Sequence[int], *, m: Sequence[Floats], u: Sequence[Floats], shared: Collection[int]
) -> bool:
    """Whether the personal comparisons of a session say enough to tell a match from a relative."""
    bits = 0.0
    for j in set(free).difference(shared):
        likely = np.maximum(m[j], _SMALLEST)
        bits += float((likely * np.log2(likely / np.maximum(u[j], _SMALLEST))).sum())
    return bool(set(shared)) and bits >= _TELLING_BITS_MIN


def smoothed(counts: Floats, default_m: Floats, pseudo_count: float) -> Floats:
    """Turn counts of matches a level into m, with pseudo_count pairs of the default added."""
    default = default_m / default_m.sum()
    result: Floats = (counts + pseudo_count * default) / (counts.sum() + pseudo_count)
    return result
