"""Keys by name are the keys that records are found under, and every token has its words."""

from dataclasses import replace

from services.linkage.key_words import rule_keys, token_words
from services.linkage.keys import blocking_keys, token_catalogue
from tests.linkage_factory import known

WORLD = known()


def test_the_keys_of_all_rules_are_the_keys_of_the_record() -> None:
    every = tuple((token.name,) for token in token_catalogue(WORLD.spec))
    model = replace(WORLD.model, keys=(*WORLD.model.keys, *every))
    for features in WORLD.features:
        named = rule_keys(features, model)
        assert sorted(frozenset().union(*(rule.keys for rule in named))) == blocking_keys(
            features, model
        )


def test_every_token_has_words_of_its_own() -> None:
    words = [token_words(token.name, WORLD.spec) for token in token_catalogue(WORLD.spec)]
    assert len(set(words)) == len(words)


def test_a_rule_is_named_by_its_parts_and_has_no_key_where_one_is_missing() -> None:
    model = replace(WORLD.model, keys=(("s", "d0"), ("g3", "p0a")))
    first, second = rule_keys({"g": "anna", "p0": "ab12cd", "p0_a": "ab"}, model)
    assert (first.words, first.keys) == ("surname + date of birth", frozenset())
    assert second.words == "first three letters of the given name + area of postcode"
    assert len(second.keys) == 1
