"""What training has learned so far: m, u, how often a comparison is known, the share of matches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.training.pairs import Floats, Vectors

_WEIGHT_MAX = 60.0  # bits; beyond this a probability is 0 or 1 in every number we keep
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """One entry a comparison, in the order of the model's comparisons.

    `known` is the share of random pairs in which it is not null, `known_in_matches` the share of
    matches. `match_share` is the probability that two random records match.
    """

    default_m: tuple[Floats, ...]
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    known: tuple[float, ...]
    known_in_matches: tuple[float, ...]
    match_share: float

    @property
    def used(self) -> tuple[bool, ...]:
        """Whether a comparison was ever not null between two random records."""
        return tuple(share > 0 for share in self.known)


def initial_parameters(default_m: Sequence[Sequence[float]]) -> Parameters:
    """The default m, and u that tells nothing."""
    defaults = tuple(np.array(m, dtype=np.float64) / sum(m) for m in default_m)
    return Parameters(
        default_m=defaults,
        m=defaults,
        u=tuple(np.full(len(m), 1 / len(m)) for m in defaults),
        known=(1.0,) * len(defaults),
        known_in_matches=(1.0,) * len(defaults),
        match_share=0.0,
    )


def plain_weights(vectors: Vectors, parameters: Parameters) -> Floats:
    """Match weight of every vector with its prior, term frequencies left aside."""
    share = parameters.match_share
    weights = np.full(len(vectors), np.log2(share / (1 - share)))
    for column, (m, u) in enumerate(zip(parameters.m, parameters.u, strict=True)):
        bits = np.log2(np.maximum(m, _SMALLEST) / np.maximum(u, _SMALLEST))
        weights += np.append(bits, 0.0)[vectors[:, column]]
    return weights


def probability(weights: Floats) -> Floats:
    """The match probability of weights that include the prior."""
    result: Floats = 1 / (1 + np.exp2(-np.clip(weights, -_WEIGHT_MAX, _WEIGHT_MAX)))
    return result
