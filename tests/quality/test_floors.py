"""Floors of quality: only ever raised. `python -m tests.quality` prints the figures."""

import pytest

from tests.quality.__main__ import row
from tests.quality.metrics import found_share, measure
from tests.quality.sets import all_sets


@pytest.mark.slow
@pytest.mark.parametrize("name", ["febrl3", "names", "no duplicates", "tiny"])
def test_a_labelled_set_is_resolved_at_least_this_well(name: str) -> None:
    for labelled in all_sets([name]):
        _, quality = row(labelled)
        assert quality.f1 >= labelled.floor
        assert quality.bcubed_f1 >= labelled.floor_bcubed


def test_pairs_and_records_are_counted_by_hand() -> None:
    quality = measure("aabbc", "xxxyy", "12121", across_sources=False)
    # told: 2 pairs, of which (0, 1) is true; true: 3 + 1 pairs
    assert (quality.precision, quality.recall) == (0.5, 0.25)
    assert (quality.false_pairs, quality.missed_pairs, quality.largest) == (1, 3, 2)
    assert quality.bcubed_precision == pytest.approx((1 + 1 + 0.5 + 0.5 + 1) / 5)
    assert quality.bcubed_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 0.5 + 0.5) / 5)


def test_true_pairs_among_the_candidates_are_counted_by_hand() -> None:
    pairs = [(0, 1), (1, 2), (2, 3)]  # true: (0, 1), (0, 2), (1, 2), (3, 4)
    assert found_share(pairs, "xxxyy", "11222", across_sources=False) == 2 / 4
    assert found_share(pairs, "xxxyy", "11222", across_sources=True) == 1 / 2


def test_only_pairs_across_sources_count_where_asked() -> None:
    quality = measure("aaab", "xxxx", "1122", across_sources=True)
    # told: (0, 2) and (1, 2); true: these and (0, 3), (1, 3)
    assert (quality.precision, quality.recall) == (1.0, 0.5)
