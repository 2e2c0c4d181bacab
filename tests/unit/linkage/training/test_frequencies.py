from collections import Counter

import pytest

from services.linkage.training.frequencies import ValueCounts, frequencies_for_non_matches


def test_the_pair_itself_and_own_duplicates_do_not_make_a_value_common() -> None:
    counts = Counter({"smith": 50, "rare": 4} | {f"single{n}": 1 for n in range(946)})
    terms = frequencies_for_non_matches(
        ValueCounts.of(counts), match_share=3 / 999, m_exact=1.0, floor=1_000
    )
    floor = 0.5 / 1_000
    assert terms.default == pytest.approx(floor)
    # four records are the pair and two duplicates
    assert terms.of_values(["smith", "rare", "single1"]) == pytest.approx(
        [(50 - 2 - 2) / 1_000 + floor, floor, floor]
    )
    assert len(terms.hashes) == 2


def test_few_data_do_not_make_a_value_rarer_than_the_floor() -> None:
    terms = frequencies_for_non_matches(
        ValueCounts.of({"a": 1, "b": 1}), match_share=0.0, m_exact=0.9, floor=20_000
    )
    assert terms.default == terms.mean == pytest.approx(0.5 / 20_000)


def test_the_mean_is_over_records() -> None:
    terms = frequencies_for_non_matches(
        ValueCounts.of({"a": 10, "b": 2}), match_share=0.0, m_exact=1.0, floor=0
    )
    frequent, rare = terms.of_values("ab")
    assert terms.mean == pytest.approx((10 * frequent + 2 * rare) / 12)


def test_no_values_at_all_give_the_floor() -> None:
    terms = frequencies_for_non_matches(ValueCounts.of({}), match_share=0.1, m_exact=0.9, floor=200)
    assert terms.of_values(["any"]) == pytest.approx([0.5 / 200])
    assert terms.mean == pytest.approx(0.5 / 200)
