"""What a policy asks: how sure a join is, and how many personal fields speak for it."""

import pytest

from services.identity.domain.merge_policy import MergePolicy, count_personal
from services.identity.domain.weights import to_units


@pytest.mark.parametrize(
    ("confidence", "bits"),
    [
        pytest.param(0.5, 0, id="even-odds"),
        pytest.param(0.8, 2, id="four-to-one"),
        pytest.param(1024 / 1025, 10, id="a-thousand-to-one"),
    ],
)
def test_a_confidence_is_a_weight(confidence: float, bits: float) -> None:
    assert MergePolicy(confidence_min=confidence).weight_min == to_units(bits)


def test_only_what_no_household_shares_and_speaks_strongly_is_counted() -> None:
    columns = [to_units(bits) for bits in (3.0, 2.9, 9.0, 5.0)]
    assert count_personal(columns, [False, False, True, False]) == 2


def test_without_a_word_of_its_own_a_policy_asks_nothing() -> None:
    assert MergePolicy().asks_nothing
    assert not MergePolicy(confidence_min=0.6).asks_nothing
    assert not MergePolicy(personal_fields_min=1).asks_nothing
