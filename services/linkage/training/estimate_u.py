"""u: how often two records of different people agree, counted over random pairs."""

from dataclasses import replace

import numpy as np

from services.linkage.training.pairs import Floats, Vectors
from services.linkage.training.parameters import Parameters, plain_weights, probability

RANDOM_PAIRS_MAX = 500_000
RANDOM_PAIRS_SEED = 1


def estimate_u(vectors: Vectors, parameters: Parameters) -> Parameters:
    """First estimate: every random pair counts as a non-match."""
    return _counted(vectors, parameters, weights=np.ones(len(vectors)))


def refine_u(vectors: Vectors, parameters: Parameters) -> Parameters:
    """As `estimate_u`, each pair counted by its probability of being a non-match."""
    matches = probability(plain_weights(vectors, parameters))
    return _counted(vectors, parameters, weights=1 - matches)


def _counted(vectors: Vectors, parameters: Parameters, *, weights: Floats) -> Parameters:
    u: list[Floats] = []
    known: list[float] = []
    for column, default in enumerate(parameters.default_m):
        levels = len(default)
        level = vectors[:, column]
        present = level >= 0
        counts = np.bincount(level[present], weights=weights[present], minlength=levels)
        u.append((counts + 0.5) / (counts.sum() + 0.5 * levels))
        known.append(float(present.sum() / max(len(level), 1)))
    return replace(parameters, u=tuple(u), known=tuple(known))
