"""A record left over goes to who alone can claim it, where few records are alone."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest

from services.identity.domain.alone import NO_LINK, Claim, credit, strongest_claim
from services.identity.domain.weights import UNITS_PER_BIT, Units, to_bits

Pair = tuple[int, int]
QUARTER = 0.25  # believed to be a third: a credit of 1.58 bits
A, B, C = 0, 1, 2


def grid(links: Mapping[Pair, float], *, size: int = 3) -> Units:
    """Links in bits; of pairs that are not named there is none."""
    result = np.full((size, size), NO_LINK, dtype=np.int64)
    for (one, other), bits in links.items():
        result[one, other] = result[other, one] = round(bits * UNITS_PER_BIT)
    return result


def ends(claim: Claim | None) -> Pair | None:
    return None if claim is None else (claim.left, claim.right)


@pytest.mark.parametrize(
    ("links", "single", "share", "claimed"),
    [
        pytest.param({(A, B): -1.0}, {B}, QUARTER, (A, B), id="nobody-else"),
        pytest.param({(A, B): -1.0}, {B}, 1.0, None, id="all-are-alone"),
        pytest.param({(A, B): -1.0}, {B}, 0.6, None, id="many-are-alone"),
        pytest.param({(A, B): -2.0}, {B}, 0.01, None, id="too-little-however-few"),
        pytest.param({(A, B): -1.0}, {C}, QUARTER, None, id="two-groups"),
        pytest.param({(A, B): -1.0, (B, C): -1.0}, {B}, QUARTER, None, id="another-could"),
        pytest.param({(A, B): -0.2, (B, C): -4.0}, {B}, QUARTER, (A, B), id="another-hardly"),
        pytest.param({(A, B): -1.0, (A, C): -0.5}, {B}, QUARTER, (A, B), id="not-its-other"),
        pytest.param({(A, B): -1.0, (A, C): -0.5}, {A, B}, QUARTER, None, id="its-other"),
        pytest.param({(A, B): -1.0, (A, C): -0.5}, {B, C}, QUARTER, (A, C), id="the-better"),
        pytest.param({}, {A, B, C}, QUARTER, None, id="nothing-possible"),
    ],
)
def test_a_record_goes_to_who_alone_can_claim_it(
    links: Mapping[Pair, float], single: set[int], share: float, claimed: Pair | None
) -> None:
    flags = np.array([place in single for place in (A, B, C)])
    assert ends(strongest_claim(grid(links), flags, share=share)) == claimed


def test_a_claim_gains_the_credit_and_no_more() -> None:
    links = grid({(A, B): -1.0})
    claim = strongest_claim(links, np.array([False, True, False]), share=0.5)
    assert claim is None  # exactly even odds
    claim = strongest_claim(links, np.array([False, True, False]), share=0.4)
    assert claim is not None
    assert to_bits(claim.weight) == pytest.approx(-1 - np.log2(0.4), abs=1e-5)
    assert to_bits(credit(0.001)) == pytest.approx(np.log2(3), abs=1e-5)
    assert credit(1.0) == 0


def test_no_order_and_no_group_out_of_reach_changes_a_claim() -> None:
    rng = np.random.default_rng(1)
    size, claims = 20, 0
    for _ in range(40):
        pairs = [pair for pair in combinations(range(size), 2) if rng.random() < 0.04]
        links = grid({pair: -rng.exponential(2) for pair in pairs}, size=size)
        single = rng.random(size) < 0.5
        here = strongest_claim(links, single, share=QUARTER)
        order = rng.permutation(size)
        there = strongest_claim(links[np.ix_(order, order)], single[order], share=QUARTER)
        wider = grid({}, size=size + 9)
        wider[:size, :size] = links
        assert strongest_claim(wider, np.append(single, [True] * 9), share=QUARTER) == here
        assert (here is None) == (there is None)
        if here is not None and there is not None:
            claims += 1
            assert {*order[[there.left, there.right]].tolist()} == {here.left, here.right}
            assert here.weight == there.weight
    assert claims > 10
