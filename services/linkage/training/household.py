"""The household share: how many of all pairs are two people who share what a household shares."""

import numpy as np

from services.linkage.training.pairs import Floats

_ITERATIONS_MAX = 100
_CONVERGED = 1e-4
_SHARE_MIN = 0.02  # households a record at least: evidence two people can share is never unbounded


def fit_household_share(
    shared: Floats, total: Floats, *, match_share: float, pair_count: float, record_count: int
) -> float:
    """Fit the share over the candidate pairs, as the middle one of three classes.

    A pair is a match, two people of one household, or neither. `shared` is the pair's evidence in
    the fields a household shares, `total` all of it, both in bits and without the prior.
    """
    household = np.exp2(np.clip(shared, -60, 60))
    match = match_share * np.exp2(np.clip(total, -100, 100))
    smallest = _SHARE_MIN / record_count
    share = 1 / record_count
    for _ in range(_ITERATIONS_MAX):
        weight = share * household
        found = max(float((weight / (match + weight + 1)).sum()) / pair_count, smallest)
        if abs(found - share) < _CONVERGED * share:
            break
        share = found
    return share
