"""What one profile may hold: ever, or within some time."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.ids import Micros
from services.identity.domain.merge_limit import DAY, Held, MergeLimit


def held(*said: tuple[str, float | None]) -> list[Held]:
    """Values with the day on which each was said."""
    return [Held(value, None if day is None else Micros(round(day * DAY))) for value, day in said]


@pytest.mark.parametrize(
    ("said", "is_broken"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([("a", 0), ("b", 400), ("c", 800)], False, id="one-a-year"),
        pytest.param([("a", 0), ("b", 1), ("c", 364)], True, id="three-in-a-year"),
        pytest.param([("a", 0), ("b", 1), ("c", 365)], True, id="to-the-day"),
        pytest.param([("a", 0), ("b", 1), ("c", 365.01)], False, id="a-moment-later"),
        pytest.param([("a", 0), ("a", 1), ("a", 2), ("b", 3)], False, id="two-values-often"),
        pytest.param([("a", 0), ("a", 700), ("b", 1), ("c", 699)], False, id="at-both-ends"),
        pytest.param([("a", 0), ("b", 700), ("c", None), ("d", 701)], True, id="undated-is-ever"),
        pytest.param([("a", 0), ("a", None), ("b", 0)], False, id="undated-is-counted-once"),
    ],
)
def test_two_values_a_year(said: Sequence[tuple[str, float | None]], *, is_broken: bool) -> None:
    assert MergeLimit(values_max=2, within_days=365).is_broken_by(held(*said)) is is_broken


@pytest.mark.parametrize(("values", "is_broken"), [("ab", False), ("abc", True)])
def test_two_values_ever(values: str, *, is_broken: bool) -> None:
    limit = MergeLimit(values_max=2)
    assert limit.is_broken_by({Held(value, None) for value in values}) is is_broken


SIGHTINGS = st.frozensets(
    st.builds(
        Held,
        st.sampled_from("abcd"),
        st.sampled_from([None, *(Micros(day * DAY) for day in range(5))]),
    ),
    max_size=8,
)


@given(SIGHTINGS, SIGHTINGS, st.sampled_from([1, 2, 3]), st.sampled_from([None, 1, 2, 4]))
def test_what_is_broken_stays_broken(
    one: frozenset[Held], other: frozenset[Held], most: int, days: int | None
) -> None:
    limit = MergeLimit(values_max=most, within_days=days)
    both = limit.is_broken_by(one | other)
    assert limit.is_broken_by_both(one, other) == both
    assert both or not limit.is_broken_by(one)


@given(SIGHTINGS, st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 4]))
def test_every_span_is_looked_at(said: frozenset[Held], most: int, days: int) -> None:
    starts = [each.at for each in said if each.at is not None] or [Micros(0)]
    counts = [
        len({v for v, at in said if at is None or start <= at <= start + days * DAY})
        for start in starts
    ]
    limit = MergeLimit(values_max=most, within_days=days)
    assert limit.is_broken_by(said) == (max(counts) > most)
