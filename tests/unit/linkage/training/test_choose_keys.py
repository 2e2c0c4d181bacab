from random import Random

import numpy as np

from services.linkage.keys import COARSE, IDENTIFYING, SELECTIVE, Token
from services.linkage.training.candidate_keys import TokenColumn
from services.linkage.training.choose_keys import ChosenKeys, Draft, KeyBudget, draft_keys
from services.linkage.training.key_sample import WHOLE_BASE, Base
from services.linkage.training.pairs import Floats, Ints
from services.linkage.training.settle_keys import settle_keys
from tests.linkage_factory import code_lists, code_values


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

    draft = draft_keys(
        tokens,
        record_count=count,
        block_limit=options.get("block_limit", 100),
        base=base,
        matches_expected=count / 2,
        allowed=lambda left, _: np.ones(len(left), dtype=np.bool_),
        match_probability=probability,
        budget=KeyBudget(
            pairs_per_record_max=options.get("pairs_per_record_max", 30),
            keys_max=options.get("keys_max", 20),
        ),
    )
    return settle_keys(draft, draft.first_pairs(), probability)


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
    draft = draft_keys(
        tokens,
        record_count=200,
        block_limit=100,
        matches_expected=100,
        allowed=lambda left, _: np.zeros(len(left), dtype=np.bool_),
        match_probability=lambda left, _: np.ones(len(left)),
        budget=KeyBudget(),
    )
    assert draft.keys == ()


def test_no_tokens_give_no_keys() -> None:
    draft = draft_keys(
        {},
        record_count=10,
        block_limit=100,
        matches_expected=5,
        allowed=lambda left, _: np.ones(len(left), dtype=np.bool_),
        match_probability=lambda left, _: np.ones(len(left)),
        budget=KeyBudget(),
    )
    result = settle_keys(draft, draft.first_pairs(), lambda left, _: np.ones(len(left)))
    assert result.keys == ()
    assert len(result.left) == 0


def papers(
    *, keys_max: int = 20, cheap: float = 1.0, base: Base = WHOLE_BASE
) -> tuple[Draft, ChosenKeys]:
    """Two records a person: three papers, each on three records of four, and a name some share."""
    count, rng = 4_000, Random(3)
    person = np.arange(count) // 2
    values = {
        name: [f"{name}{p % own}" if rng.random() < filled else None for p in person.tolist()]
        for name, own, filled in (
            ("visa", count, 0.75),
            ("permit", count, 0.75),
            ("badge", count, 0.75),
            ("name", 1_400, 0.97),
        )
    }

    def probability(left: Ints, right: Ints) -> Floats:
        return np.where(person[left] == person[right], 1.0, 0.0)

    draft = draft_keys(
        {
            name: TokenColumn(
                token=Token(name=name, groups=frozenset({name}), strength=SELECTIVE),
                coded=code_values(column),
            )
            for name, column in values.items()
        },
        record_count=count,
        block_limit=100,
        base=base,
        matches_expected=count / 2,
        allowed=lambda left, _: np.ones(len(left), dtype=np.bool_),
        match_probability=probability,
        budget=KeyBudget(yield_min=0.2, keys_max=keys_max, pairs_per_record_cheap=cheap),
    )
    return draft, settle_keys(draft, draft.first_pairs(), probability)


def test_a_key_whose_matches_finer_keys_find_is_left_out() -> None:
    """The name finds most, so it is taken first; then the papers find nearly all of that."""
    draft, result = papers()
    assert draft.keys[0] == ("name",)
    assert ("name",) not in result.keys
    assert {("visa",), ("permit",), ("badge",)} <= set(result.keys)
    assert (result.left // 2 == result.right // 2).all()
    assert len(result.left) >= 0.9 * 2_000


def test_it_stays_where_all_keys_make_so_few_pairs_that_these_cost_little() -> None:
    """One pair a record: of ten that were cheap a tenth, so the name's strangers count a tenth."""
    _, result = papers(cheap=10.0)
    assert ("name",) in result.keys


def test_of_too_many_keys_the_worst_go() -> None:
    _, result = papers(keys_max=2)
    assert len(result.keys) == 2


def test_only_strangers_become_more_in_a_larger_base() -> None:
    """A paper is one person's however many there are; a name is borne by more and more."""
    draft, result = papers(base=Base(times=100))
    assert ("name",) not in draft.keys
    assert {("visa",), ("permit",), ("badge",)} <= set(result.keys)
    assert sum(gain.new_pairs for gain in result.gains) == len(result.left)


def test_groups_that_were_kept_whole_cost_what_they_cost_here() -> None:
    result = chosen(2_000, base=Base(fraction=0.1, whole="name"))
    assert any("name" in key for key in result.keys)
    assert all("name" in key or "id" in key for key in result.keys)
