"""Expectation maximisation on the counts of distinct comparison vectors.

u stays fixed; m and the share of matches are free. A few pseudo-pairs of the default m keep a
level that a small session never shows from becoming impossible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.training.pairs import Floats, Vectors, distinct_vectors

_ITERATIONS_MAX = 60
_ITERATIONS_MIN = 6
_CONVERGED = 1e-5  # change of the share of matches
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
) -> Expectation:
    """Run EM over the comparisons in `free`; `start` is the first guess of the share of matches.

    Source: Fellegi and Sunter (1969); Dempster, Laird and Rubin (1977), with a Dirichlet prior.
    """
    patterns, counts = distinct_vectors(vectors[:, list(free)])
    known = [patterns[:, x] >= 0 for x in range(len(free))]
    log_u = [np.append(np.log(np.maximum(u[j], _SMALLEST)), 0.0) for j in free]
    current = [np.array(m[j], dtype=np.float64) for j in free]
    share = start
    expected: dict[int, Floats] = {}
    for iteration in range(_ITERATIONS_MAX):
        odds = np.full(len(patterns), np.log(share) - np.log1p(-share))
        for x, m_now in enumerate(current):
            log_m = np.append(np.log(np.maximum(m_now, _SMALLEST)), 0.0)
            odds += (log_m - log_u[x])[patterns[:, x]]
        matches = counts / (1 + np.exp(-np.clip(odds, -500, 500)))
        found = float(min(max(matches.sum() / counts.sum(), 1e-6), 1 - 1e-6))
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


def smoothed(counts: Floats, default_m: Floats, pseudo_count: float) -> Floats:
    """Turn counts of matches a level into m, with pseudo_count pairs of the default added."""
    default = default_m / default_m.sum()
    result: Floats = (counts + pseudo_count * default) / (counts.sum() + pseudo_count)
    return result
