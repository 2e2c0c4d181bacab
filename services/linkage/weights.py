"""Comparison levels to integer match weights: the one place where both scorers get theirs.

Splink's SQL decides the level, integer tables give its weight: a pair's weights depend on its two
records and the model only, never on what else is in the batch, the order of a sum or the machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import to_units
from services.linkage.comparisons import PROBABILITY_MIN, Comparison
from services.linkage.term_frequencies import Adjuster, TermFrequencies

Rows = npt.NDArray[np.int64]
Gammas = npt.NDArray[np.int8]
"""Level index per pair and comparison, 0 the most similar; -1 where the comparison is null."""
Weights = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _AdjustedLevel:
    comparison: int
    level: int
    column: str
    adjuster: Adjuster


class WeightTable:
    """The weights of every level of a model's comparisons, term frequencies included."""

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        term_frequencies: Mapping[str, TermFrequencies],
    ) -> None:
        self._base = [level_weights(comparison) for comparison in comparisons]
        self._adjusted = list(_adjusted_levels(comparisons, term_frequencies))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose values' frequencies count."""
        return tuple(dict.fromkeys(level.column for level in self._adjusted))

    def adjusters(self) -> dict[str, Adjuster]:
        return {level.column: level.adjuster for level in self._adjusted}

    def weigh(
        self,
        gammas: Gammas,
        left: Rows,
        right: Rows,
        *,
        adjustments: Callable[[str, Rows], Weights],
    ) -> Weights:
        """Weights per pair and comparison, 0 where null.

        `adjustments` gives those of a column for some rows, each asked for once.
        """
        weights = np.empty(gammas.shape, dtype=np.int32)
        for number, base in enumerate(self._base):
            weights[:, number] = base[gammas[:, number]]
        for level in self._adjusted:
            pairs = np.flatnonzero(gammas[:, level.comparison] == level.level)
            if len(pairs):
                both = np.stack((left[pairs], right[pairs]))
                rows, places = np.unique(both, return_inverse=True)
                of_pairs = adjustments(level.column, rows)[places.reshape(both.shape)]
                weights[pairs, level.comparison] += of_pairs.min(axis=0)
        return weights


def level_weights(comparison: Comparison) -> Weights:
    """log2(m/u) of every level; the null level -1 reads the zero at the end."""
    ratios = (
        log2(max(m, PROBABILITY_MIN)) - log2(max(u, PROBABILITY_MIN))
        for m, u in zip(comparison.m, comparison.u, strict=True)
    )
    return np.array([*(to_units(ratio) for ratio in ratios), 0], dtype=np.int32)


def _adjusted_levels(
    comparisons: Sequence[Comparison], term_frequencies: Mapping[str, TermFrequencies]
) -> list[_AdjustedLevel]:
    result = []
    for number, comparison in enumerate(comparisons):
        for index, level in enumerate(comparison.levels):
            if level.tf_column is None or level.tf_column not in term_frequencies:
                continue
            terms = term_frequencies[level.tf_column]
            reference = comparison.u[index] if index == 0 else terms.mean
            adjuster = Adjuster(terms, reference=reference)
            result.append(
                _AdjustedLevel(
                    comparison=number, level=index, column=level.tf_column, adjuster=adjuster
                )
            )
    return result
