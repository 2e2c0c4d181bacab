"""Kinship: how many of all pairs live together, are twins, or have one name besides."""

from dataclasses import dataclass

import numpy as np

from services.identity.domain.weights import Kinship
from services.linkage.training.pairs import Floats

_ITERATIONS_MAX = 100
_CONVERGED = 1e-4
_SHARE_MIN = 0.02  # households a record at least: evidence two people can share is never unbounded
_RARER_MIN = 0.01
"""Of a hundred pairs of one household at least one was born on one day, one bears one name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativesEvidence:
    """Of every candidate pair, in bits and without the prior: `total` is all evidence.

    `shared` is that in the fields a household shares, `born` in birth dates, `given` in given
    names; None where such a field is not compared.
    """

    shared: Floats
    born: Floats | None
    given: Floats | None
    total: Floats


def fit_kinship(
    evidence: RelativesEvidence, *, match_share: float, pair_count: float, record_count: int
) -> Kinship:
    """Fit the shares over the candidate pairs.

    A pair is a match, two relatives of one of three sorts, or two strangers; only the shares of
    relatives are free.
    """
    match = match_share * np.exp2(np.clip(evidence.total, -100, 100))
    kin = [evidence.shared]
    kin += [evidence.shared + more for more in (evidence.born, evidence.given) if more is not None]
    likely = [np.exp2(np.clip(bits, -60, 80)) for bits in kin]
    smallest = [_SHARE_MIN / record_count, *[0.0] * (len(kin) - 1)]
    shares = [1 / record_count, *[_RARER_MIN / record_count] * (len(kin) - 1)]
    for _ in range(_ITERATIONS_MAX):
        weights = [share * each for share, each in zip(shares, likely, strict=True)]
        whole = match + 1 + sum(weights)
        found = [
            max(float((weight / whole).sum()) / pair_count, least)
            for weight, least in zip(weights, smallest, strict=True)
        ]
        smallest[1:] = [found[0] * _RARER_MIN] * (len(kin) - 1)
        settled = abs(found[0] - shares[0]) < _CONVERGED * shares[0]
        shares = found
        if settled:
            break
    rarer = iter(shares[1:])
    return Kinship(
        household=shares[0],
        twins=0.0 if evidence.born is None else next(rarer),
        namesakes=0.0 if evidence.given is None else next(rarer),
    )
