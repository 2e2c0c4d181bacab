from random import Random

import numpy as np

from services.linkage.keys import COARSE, IDENTIFYING, SELECTIVE, Token
from services.linkage.training.candidate_keys import TokenColumn
from services.linkage.training.choose_keys import (
    WHOLE_BASE,
    Base,
    ChosenKeys,
    KeyBudget,
    choose_keys,
)
from services.linkage.training.pairs import Floats, Ints, code_lists, code_values


def people(count: int, *, seed: int = 1) -> tuple[dict[str, TokenColumn], Ints]:
    """Two records a person: an exact id half of them lack, a name, a coarse town, two words."""
    rng = Random(seed)
    person = np.arange(count) // 2
    ids = [str(p) if rng.random() < 0.5 else None for p in person]
    names = [f"n{int(p) % 40}" for p in person]
    towns = [f"t{int(p) % 7}" for p in person]
    words = [[f"w{int(p) % 30}", f"v{int(p) % 45}"] for p in person]

    def token(name: str, group: str, strength: int, values: list[str | None]) -> TokenColumn:
        return TokenColumn(
            token=Token(name=name, groups=frozenset({group}), strength=strength),
            coded=code_values(values),
        )

    return {
        "id": token("id", "id", IDENTIFYING, ids),
        "name": token("name", "name", SELECTIVE, [*names]),
        "town": token("town", "town", COARSE, [*towns]),
        "t": TokenColumn(
            token=Token(name="t", groups=frozenset({"word"}), strength=SELECTIVE, is_multiple=True),
            coded=code_lists(words),
        ),
    }, person


def chosen(count: int, *, base: Base = WHOLE_BASE, **options: int) -> ChosenKeys:
    tokens, person = people(count)

    def probability(left: Ints, right: Ints) -> Floats:
        return np.where(person[left] == person[right], 0.99, 0.001)

    return choose_keys(
        tokens,
        record_count=count,
        block_limit=options.get("block_limit", 100),
        base=base,
        matches_expected=count / 2,
        allowed=lambda left, _: np.ones(len(left), dtype=np.bool_),
        match_probability=probability,
        budget=KeyBudget(pairs_per_record_max=options.get("pairs_per_record_max", 30)),
    )


def test_the_cost_is_the_exact_number_of_distinct_pairs_and_within_the_budget() -> None:
    result = chosen(2_000)
    assert sum(gain.new_pairs for gain in result.gains) == len(result.left)
    assert len(set(zip(result.left.tolist(), result.right.tolist(), strict=True))) == len(
        result.left
    )
    assert 0 < len(result.keys) <= 20


def test_the_budget_is_never_exceeded() -> None:
    result = chosen(2_000, pairs_per_record_max=1)
    assert 0 < len(result.left) <= 2_000


def test_records_without_the_best_token_are_found_by_others() -> None:
    result = chosen(2_000)
    left, right = result.left, result.right
    found = int((left // 2 == right // 2).sum())
    assert found >= 0.99 * 1_000


def test_a_key_whose_blocks_are_all_too_large_is_no_key() -> None:
    assert ("name",) not in chosen(2_000, block_limit=10).keys


def test_pairs_that_cannot_match_cost_nothing() -> None:
    tokens, _ = people(200)
    result = choose_keys(
        tokens,
        record_count=200,
        block_limit=100,
        matches_expected=100,
        allowed=lambda left, _: np.zeros(len(left), dtype=np.bool_),
        match_probability=lambda left, _: np.ones(len(left)),
        budget=KeyBudget(),
    )
    assert result.keys == ()


def test_no_tokens_give_no_keys() -> None:
    result = choose_keys(
        {},
        record_count=10,
        block_limit=100,
        matches_expected=5,
        allowed=lambda left, _: np.ones(len(left), dtype=np.bool_),
        match_probability=lambda left, _: np.ones(len(left)),
        budget=KeyBudget(),
    )
    assert result.keys == ()
    assert len(result.left) == 0


def test_a_part_of_the_base_is_charged_what_the_base_will_cost() -> None:
    """A block of five in a tenth of the base has fifty holders in the whole, and is generic."""
    tenth = chosen(2_000, base=Base(fraction=0.1), block_limit=40, pairs_per_record_max=5)
    assert 0 < sum(gain.new_pairs for gain in tenth.gains) <= 5 * 2_000
    assert sum(gain.new_pairs for gain in tenth.gains) == 10 * len(tenth.left)
    whole = chosen(2_000, block_limit=40, pairs_per_record_max=5)
    assert len(tenth.left) < len(whole.left)


def test_groups_that_were_kept_whole_cost_what_they_cost_here() -> None:
    result = chosen(2_000, base=Base(fraction=0.1, whole="name"))
    assert all("name" in key for key in result.keys)
    assert sum(gain.new_pairs for gain in result.gains) == len(result.left) > 0
