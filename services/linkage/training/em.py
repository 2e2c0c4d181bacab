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
_RELATIVES_START = 0.05
_TELLING_BITS_MIN = 4.0  # personal evidence a session needs to tell a match from a relative
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a session says: its share of matches, and matches expected per comparison and level."""

    match_share: float
    expected: Mapping[int, Floats]


def maximise(
    vectors: Vectors,
    *,
    free: Sequence[int],
    m: Sequence[Floats],
    u: Sequence[Floats],
    default_m: Sequence[Floats],
    start: float,
    pseudo_count: float,
    shared: Collection[int] = (),
) -> Expectation:
    """Run EM over the comparisons in `free`; `start` is the first guess of the share of matches.

    `shared` are those on which people of one household agree as matches do.

    Source: Fellegi and Sunter (1969); Dempster, Laird and Rubin (1977), with a Dirichlet prior.
    """
    patterns, counts = distinct_vectors(vectors[:, list(free)])
    known = [patterns[:, x] >= 0 for x in range(len(free))]
    log_u = [np.append(np.log(np.maximum(u[j], _SMALLEST)), 0.0) for j in free]
    current = [np.array(m[j], dtype=np.float64) for j in free]
    share = start
    related = _RELATIVES_START if _tells_relatives(free, m=m, u=u, shared=shared) else 0.0
    expected: dict[int, Floats] = {}
    for iteration in range(_ITERATIONS_MAX):
        agree = np.full(len(patterns), np.log(share))
        together = np.full(len(patterns), np.log(max(related, _SMALLEST)))
        for x, m_now in enumerate(current):
            log_m = np.append(np.log(np.maximum(m_now, _SMALLEST)), 0.0)
            evidence = (log_m - log_u[x])[patterns[:, x]]
            agree += evidence
            if free[x] in shared:
                together += evidence
        strangers = np.log(max(1 - share - related, _SMALLEST))
        others = np.logaddexp(together, strangers) if related else strangers
        matches = counts / (1 + np.exp(np.clip(others - agree, -500, 500)))
        if related:
            relatives = (counts - matches) / (1 + np.exp(np.clip(strangers - together, -500, 500)))
            related = float(min(max(relatives.sum() / counts.sum(), 1e-6), 0.9))
        found = float(min(max(matches.sum() / counts.sum(), 1e-6), 1 - 1e-6 - related))
        for x, j in enumerate(free):
            level, weights = patterns[known[x], x], matches[known[x]]
            counts_of_level = np.bincount(level, weights=weights, minlength=len(default_m[j]))
            expected[j] = counts_of_level.astype(np.float64)
            current[x] = smoothed(expected[j], default_m[j], pseudo_count)
        settled = abs(found - share) < _CONVERGED
        share = found
        if settled and iteration >= _ITERATIONS_MIN:
            break
    return Expectation(match_share=share, expected=expected)


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
