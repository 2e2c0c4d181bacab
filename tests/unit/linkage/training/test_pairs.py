import itertools
from random import Random

import numpy as np
import pytest

from services.linkage.training.pairs import (
    blocks_of,
    conjunction,
    distinct_vectors,
    pairs_in,
    random_pairs,
    sample_blocks,
    sample_pairs,
    some_at_once,
)
from tests.linkage_factory import code_lists, code_values


def brute_pairs(values: list[str | None]) -> set[tuple[int, int]]:
    return {
        (a, b)
        for a, b in itertools.combinations(range(len(values)), 2)
        if values[a] is not None and values[a] == values[b]
    }


@pytest.mark.parametrize("seed", range(5))
def test_blocks_hold_every_pair_that_shares_a_value(seed: int) -> None:
    rng = Random(seed)
    values = [rng.choice(["a", "b", "c", None]) for _ in range(30)]
    left, right = pairs_in(blocks_of(code_values(values), size_max=30))
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == brute_pairs(values)


@pytest.mark.parametrize("seed", range(5))
def test_a_conjunction_needs_every_part(seed: int) -> None:
    rng = Random(seed)
    first = [rng.choice(["a", "b", None]) for _ in range(30)]
    second = [rng.choice(["x", "y", None]) for _ in range(30)]
    both = [a + b if a and b else None for a, b in zip(first, second, strict=True)]
    coded = conjunction([code_values(first), code_values(second)], record_count=30)
    left, right = pairs_in(blocks_of(coded, size_max=30))
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == brute_pairs(both)


def test_codes_that_would_not_fit_in_64_bits_are_numbered_afresh() -> None:
    values = [str(number // 2) for number in range(4_000)]
    coded = conjunction([code_values(values)] * 8, record_count=4_000)
    assert blocks_of(coded, size_max=10).pair_count == 2_000


def test_a_row_with_several_values_meets_others_by_any_of_them() -> None:
    coded = code_lists([["a", "b"], ["b"], [], ["a"]])
    left, right = pairs_in(blocks_of(coded, size_max=10))
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (0, 3)]


def test_blocks_over_the_limit_are_left_out() -> None:
    coded = code_values(["a"] * 5 + ["b"] * 2)
    assert blocks_of(coded, size_max=4).pair_count == 1


def test_a_sample_is_of_whole_blocks_and_stands_for_all() -> None:
    blocks = blocks_of(code_values([str(n // 3) for n in range(3_000)]), size_max=10)
    sample, weight = sample_blocks(blocks, pairs_max=300, rng=np.random.default_rng(1))
    assert sample.pair_count == pytest.approx(300, abs=3)
    assert sample.pair_count * weight == pytest.approx(blocks.pair_count)


def test_few_records_give_all_their_pairs() -> None:
    left, right = random_pairs(5, pairs_max=100, seed=1)
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == list(
        itertools.combinations(range(5), 2)
    )


def test_no_record_is_paired_with_itself() -> None:
    left, right = random_pairs(100, pairs_max=1_000, seed=1)
    assert len(left) > 950
    assert bool((left < right).all())


@pytest.mark.parametrize("columns", [1, 3, 90])
def test_distinct_vectors_are_counted(columns: int) -> None:
    rng = np.random.default_rng(columns)
    vectors = rng.integers(-1, 3, (60, columns)).astype(np.int8)
    vectors = np.r_[vectors, vectors[:20]]
    distinct, counts = distinct_vectors(vectors)
    expected, expected_counts = np.unique(vectors, axis=0, return_counts=True)
    assert sorted(zip(map(tuple, distinct.tolist()), counts.tolist(), strict=True)) == sorted(
        zip(map(tuple, expected.tolist()), expected_counts.tolist(), strict=True)
    )


def test_single_pairs_are_drawn_evenly_from_all_groups() -> None:
    blocks = blocks_of(code_values(["a"] * 30 + ["b"] * 4 + ["c"]), size_max=30)
    every = set(zip(*(side.tolist() for side in pairs_in(blocks)), strict=True))
    seen: set[tuple[int, int]] = set()
    rng = np.random.default_rng(5)
    for _ in range(60):
        left, right, weight = sample_pairs(blocks, pairs_max=100, rng=rng)
        drawn = set(zip(left.tolist(), right.tolist(), strict=True))
        assert drawn <= every
        assert len(drawn) == len(left)
        assert weight * len(left) == pytest.approx(blocks.pair_count)
        seen |= drawn
    assert seen == every


def test_groups_in_parts_make_the_same_pairs() -> None:
    blocks = blocks_of(code_values([str(n % 90) for n in range(400)]), size_max=10)
    parts = list(some_at_once(blocks, pairs_max=100))
    assert len(parts) > 5
    assert all(part.pair_count < 120 for part in parts)
    found = [pair for part in parts for pair in np.stack(pairs_in(part), axis=1).tolist()]
    assert sorted(found) == sorted(np.stack(pairs_in(blocks), axis=1).tolist())
    nothing = blocks_of(code_values([]), size_max=10)
    assert [part.pair_count for part in some_at_once(nothing, pairs_max=9)] == [0]
