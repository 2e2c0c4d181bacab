import pytest

from services.linkage.training.frequencies import frequencies_for_non_matches


def test_the_pair_itself_and_own_duplicates_do_not_make_a_value_common() -> None:
    values = ["smith"] * 50 + ["rare"] * 4 + [f"single{n}" for n in range(946)]
    table, rare, _ = frequencies_for_non_matches(
        values, match_share=3 / 999, m_exact=1.0, floor=1_000
    )
    assert rare == pytest.approx(0.5 / 1_000)
    assert table["rare"] == pytest.approx(rare)  # four records: the pair and two duplicates
    assert table["smith"] == pytest.approx((50 - 2 - 2) / 1_000 + rare)
    assert "single1" not in table


def test_few_data_do_not_make_a_value_rarer_than_the_floor() -> None:
    table, rare, mean = frequencies_for_non_matches(
        ["a", "b"], match_share=0.0, m_exact=0.9, floor=20_000
    )
    assert table == {}
    assert rare == mean == pytest.approx(0.5 / 20_000)


def test_the_mean_is_over_records() -> None:
    table, rare, mean = frequencies_for_non_matches(
        ["a"] * 10 + ["b"] * 2, match_share=0.0, m_exact=1.0, floor=0
    )
    assert mean == pytest.approx((10 * table["a"] + 2 * rare) / 12)


def test_no_values_at_all_give_the_floor() -> None:
    table, rare, mean = frequencies_for_non_matches([], match_share=0.1, m_exact=0.9, floor=200)
    assert (table, rare, mean) == ({}, pytest.approx(0.5 / 200), 0.0)
