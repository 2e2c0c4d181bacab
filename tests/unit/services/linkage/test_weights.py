"""Levels to integers: the ratio of m and u, the rarer value's credit, nothing for a null."""

from math import log2

import numpy as np

from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.comparisons import comparisons_for
from services.linkage.term_frequencies import TermFrequencies
from services.linkage.weights import Rows, Weights, WeightTable
from tests.linkage_factory import known

SPEC = known().spec
GIVEN = next(c for c in comparisons_for(SPEC) if c.name == "g").with_probabilities(
    m=(0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02), u=(0.01, 0.01, 0.02, 0.05, 0.1, 0.2, 0.61)
)
TERMS = {"g": TermFrequencies.of({}, default=0.001, mean=0.5)}


def no_adjustment(column: str, rows: Rows) -> Weights:
    del column
    return np.zeros(len(rows), dtype=np.int32)


def test_a_level_weighs_the_ratio_of_m_and_u() -> None:
    gammas = np.array([[0], [6], [-1]], dtype=np.int8)
    rows = np.arange(3)
    weights = WeightTable([GIVEN], {}).weigh(gammas, rows, rows, adjustments=no_adjustment)
    expected = [log2(0.5 / 0.01), log2(0.02 / 0.61), 0]
    assert np.abs(weights[:, 0] / UNITS_PER_BIT - expected).max() < 1e-6


def test_of_two_values_the_commoner_counts_and_only_at_its_level() -> None:
    """As in Splink: the larger frequency, so the smaller adjustment."""
    table = WeightTable([GIVEN], TERMS)
    plain = WeightTable([GIVEN], {})
    gammas = np.array([[0], [1]], dtype=np.int8)
    left, right = np.array([0, 0]), np.array([1, 1])
    of_record = np.array([700, 40], dtype=np.int32)

    def adjustments(column: str, rows: Rows) -> Weights:
        assert column == "g"
        return of_record[rows]

    adjusted = table.weigh(gammas, left, right, adjustments=adjustments)
    unadjusted = plain.weigh(gammas, left, right, adjustments=no_adjustment)
    assert (adjusted - unadjusted)[:, 0].tolist() == [40, 0]


def test_a_probability_of_zero_is_a_weight_with_a_bound() -> None:
    impossible = GIVEN.with_probabilities(m=(0.0,) * 7)
    rows = np.array([0])
    weights = WeightTable([impossible], {}).weigh(
        np.array([[0]], dtype=np.int8), rows, rows, adjustments=no_adjustment
    )
    assert -32 * UNITS_PER_BIT < weights[0, 0] < 0
