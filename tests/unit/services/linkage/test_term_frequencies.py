"""Common values are kept as hashes, all others are worth the same."""

from math import log2

import pytest

from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.term_frequencies import (
    Adjuster,
    TermFrequencies,
    term_hash,
    term_hashes,
)

TERMS = TermFrequencies.of({"smith": 0.02, "muller": 0.01}, default=0.0001, mean=0.005)


def test_a_value_has_its_frequency_and_others_the_default() -> None:
    assert TERMS.of_values(["muller", "smith", "petrov"]) == [0.01, 0.02, 0.0001]


def test_hashes_are_sorted_and_fixed_for_good() -> None:
    assert TERMS.hashes.tolist() == sorted(map(term_hash, ("smith", "muller")))
    assert term_hash("smith") == -134852990095215575  # a model of yesterday must still be read


def test_a_rare_value_weighs_more() -> None:
    adjuster = Adjuster(TERMS, reference=0.005)
    bits = [u / UNITS_PER_BIT for u in adjuster.adjustments(["smith", "petrov", None]).tolist()]
    assert bits == pytest.approx([log2(0.005 / 0.02), log2(0.005 / 0.0001), 0], abs=1e-6)


def test_no_frequency_is_zero() -> None:
    none = TermFrequencies.of({}, default=0.0, mean=0.0)
    assert Adjuster(none, reference=0.0).adjustment("smith") == 0


@pytest.mark.parametrize("terms", [TERMS, TermFrequencies.of({}, default=0.1, mean=0.1)])
def test_values_known_by_their_hashes_weigh_the_same(terms: TermFrequencies) -> None:
    values = ["smith", "petrov", "muller", "smith", "", "zz"]
    adjuster = Adjuster(terms, reference=0.005)
    assert (adjuster.of_hashes(term_hashes(values)) == adjuster.adjustments(values)).all()
