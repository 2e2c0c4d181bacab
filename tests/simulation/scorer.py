"""A scorer without a database: weights from a table, equal for equal pairs wherever they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.identity.domain.kinds import Kind
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.domain.weights import to_units
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer, PairWeights
from services.linkage.weights import Rows
from tests.factories import untrained_model

# So that weights join people, too, not only identifiers; and records left alone are claimed.
MODEL = replace(
    untrained_model({**TRAIT_FIELDS, "plan": Kind.CATEGORY}), prior_weight=-5.0, alone_share=0.3
)

BITS: Mapping[
    str, tuple[float, float]
] = {  # column -> bits where both agree, and where they differ
    "g": (5, -4),
    "s": (4, -3),
    "d0": (6, -7),
    "e0": (7, -3),
    "f0": (6, -2),
    "k0": (1, -1),
}
NEAR: Mapping[frozenset[object], float] = {frozenset({"ann", "anne"}): 2}


class TableScorer(PairScorer):
    """Nothing is compiled or kept, so that any number of workers may share one."""

    def __init__(self, model: LinkageModel) -> None:
        self._model = model

    def close(self) -> None:
        """Nothing to let go of."""

    def score(self, features: Sequence[Features], left: Rows, right: Rows) -> PairWeights:
        names = [comparison.name for comparison in self._model.comparisons]
        weights = np.zeros((len(left), len(names)), dtype=np.int32)
        present = np.zeros(weights.shape, dtype=np.bool_)
        for row, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            for column, name in enumerate(names):
                pair = (features[a].get(name), features[b].get(name))
                if name in BITS and None not in pair:
                    weights[row, column] = to_units(_bits(name, *pair))
                    present[row, column] = True
        return PairWeights(weights=weights, present=present)


def _bits(name: str, left: object, right: object) -> float:
    agree, differ = BITS[name]
    return agree if left == right else NEAR.get(frozenset({left, right}), differ)
