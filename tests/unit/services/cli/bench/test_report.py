import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.bench.report import percentile, rate, spread_ms

SOME = st.lists(st.floats(0, 100), min_size=1, max_size=200).map(sorted)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([5.0], 0.5, 5.0, id="one value is every percentile"),
        pytest.param([1.0, 2.0], 0.5, 1.0, id="half of two is the first"),
        pytest.param([1.0, 2.0, 3.0], 0.5, 2.0, id="the middle of three"),
        pytest.param(list(range(1, 101)), 0.99, 99, id="p99 of a hundred leaves one above"),
        pytest.param(list(range(1, 101)), 0.999, 100, id="too few for p99.9: the largest"),
        pytest.param([1.0, 2.0], 0.0, 1.0, id="nothing is the smallest"),
        pytest.param([1.0, 2.0], 1.0, 2.0, id="all is the largest"),
    ],
)
def test_percentile_is_the_nearest_rank(
    values: Sequence[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


@given(SOME, st.floats(0.01, 1))
def test_at_least_the_share_is_no_larger_and_less_than_it_is_smaller(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert sum(each <= found for each in values) >= share * len(values) - 1e-6
    assert sum(each < found for each in values) < share * len(values) + 1e-6


@given(SOME)
def test_half_is_the_low_median(values: list[float]) -> None:
    assert percentile(values, 0.5) == statistics.median_low(values)


def test_a_spread_is_in_milliseconds_whatever_the_order() -> None:
    assert spread_ms([0.003, 0.001, 0.002]) == {
        "count": 3, "p50": 2.0, "p90": 3.0, "p99": 3.0, "p999": 3.0, "max": 3.0,
    }  # fmt: skip


def test_a_spread_of_nothing_says_so() -> None:
    assert spread_ms([]) == {"count": 0}


def test_a_rate_over_no_time_is_none() -> None:
    assert rate(10, 4.0) == 2.5
    assert rate(0, 0.0) == 0.0
