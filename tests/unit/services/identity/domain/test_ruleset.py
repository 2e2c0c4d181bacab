"""What a rules file may say, and what is answered when it says something else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.identity.domain.errors import UsageError
from services.identity.domain.identifiers import IdentifierType
from services.identity.domain.merge_limit import MergeLimit
from services.identity.domain.ruleset import (
    Ruleset,
    encode_ruleset,
    parse_ruleset,
    read_ruleset,
    to_document,
)
from services.identity.domain.survivorship import Rule

EXAMPLE = Path(__file__).parents[5] / "docs" / "examples" / "identity.yaml"
CARD: dict[str, Any] = {"strength": "evidence", "scope": "shared", "priority": 7}


def with_card(**said: object) -> dict[str, Any]:
    return {"identifiers": {"card": CARD | said}}


def test_the_example_is_the_built_in_rules_whole() -> None:
    said = yaml.safe_load(EXAMPLE.read_text())
    assert parse_ruleset(said) == Ruleset()
    assert parse_ruleset({}) == Ruleset()
    written = to_document(Ruleset())
    assert said.keys() == written.keys()
    assert said["identifiers"].keys() == written["identifiers"].keys()


def test_what_is_kept_is_read_as_it_was() -> None:
    rules = parse_ruleset(
        with_card(
            normalise="digits",
            max_per_profile={"values": 3, "within_days": 365},
            reassigned_after_days=90,
            shareable=True,
            blocked={"values": ["4111"], "patterns": ["9+"]},
        )
        | {
            "blocked": {"values": ["Shared"]},
            "generic": {"identifiers": 20, "blocking": 10},
            "survivorship": {"default": "longest", "fields": {"email": "source_trust"}},
        }
    )
    assert read_ruleset(encode_ruleset(rules)) == rules
    assert rules.version != Ruleset().version
    assert (rules.identity.holders_max(1), rules.identity.holders_max(2)) == (20, 10)
    assert rules.survivorship.rule_for("email") is Rule.SOURCE_TRUST
    assert rules.survivorship.rule_for("phone") is Rule.LONGEST


def test_a_version_does_not_know_the_order_of_the_file() -> None:
    other = CARD | {"priority": 8}
    one = parse_ruleset({"identifiers": {"card": CARD, "badge": other}})
    two = parse_ruleset({"identifiers": {"badge": dict(reversed(other.items())), "card": CARD}})
    assert one.version == two.version
    assert one.version != parse_ruleset({"identifiers": {"card": other, "badge": CARD}}).version


@pytest.mark.parametrize(
    ("raw", "taken"),
    [
        pytest.param("12-34", "1234", id="as-compared"),
        pytest.param("41-11", None, id="blocked-as-compared"),
        pytest.param("SHARED 77", None, id="blocked-as-written"),
        pytest.param("null", None, id="blocked-for-every-type"),
        pytest.param("999", None, id="blocked-by-pattern"),
        pytest.param("no digit", None, id="nothing-left"),
    ],
)
def test_a_type_has_a_form_and_values_that_never_tie(raw: str, taken: str | None) -> None:
    blocked = {"values": ["4111", "shared 77"], "patterns": ["9+"]}
    rules = parse_ruleset(with_card(normalise="digits", blocked=blocked))
    assert rules.identity.normalise("card", raw) == taken


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param([], "names with values", id="no-names"),
        pytest.param({"types": {}}, "unknown 'types'; known are identifiers", id="unknown-section"),
        pytest.param(with_card(strength="sure"), "decisive, evidence", id="unknown-strength"),
        pytest.param(with_card(scope="world"), "shared, workspace", id="unknown-scope"),
        pytest.param(with_card(normalise="soundex"), "exact, lower", id="unknown-normaliser"),
        pytest.param(with_card(priority=True), "card: priority must be a whole", id="no-number"),
        pytest.param(with_card(max_per_profile=0), "from 1 to", id="limit-of-nothing"),
        pytest.param(with_card(max_per_profile={"values": 2}), "within_days must", id="no-span"),
        pytest.param(with_card(reassigned_after_days=0), "from 1 to 36500", id="no-silence"),
        pytest.param({"records_per_profile": 1}, "from 2 to", id="nobody-has-records"),
        pytest.param({"blast_radius": 0}, "blast_radius must", id="no-radius"),
        pytest.param(
            {"merge_policy": {"min_confidence": 0.4}}, "0.5 to 0.999999", id="less-than-the-model"
        ),
        pytest.param(
            {"merge_policy": {"min_confidence": True}}, "must be a number", id="no-confidence"
        ),
        pytest.param({"merge_policy": {"min_personal_fields": -1}}, "from 0 to 20", id="no-fields"),
        pytest.param(
            {"merge_policy": {"uses": {"marketing": 1.5}}}, "uses: marketing must", id="too-sure"
        ),
        pytest.param({"merge_policy": {"uses": {"a b": 1}}}, "at most 100 names", id="no-use"),
        pytest.param(with_card(colour="red"), "card: unknown 'colour'", id="unknown-key"),
        pytest.param({"identifiers": {"card": {}}}, "strength is needed", id="not-enough"),
        pytest.param({"identifiers": {"a b": CARD}}, "1 to 64 letters", id="no-name"),
        pytest.param({"blocked": {"values": [0]}}, "in quotes", id="value-is-no-text"),
        pytest.param({"blocked": {"patterns": ["("]}}, "pattern 1 is no regular", id="no-pattern"),
        pytest.param({"generic": {"identifiers": 1001}}, "from 1 to 1000", id="limit-too-high"),
        pytest.param({"survivorship": {"default": "best"}}, "latest, source_trust", id="no-rule"),
    ],
)
def test_an_error_names_the_place_and_what_may_stand_there(said: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_ruleset(said)


def test_a_declared_type_knows_its_rules() -> None:
    rules = parse_ruleset(with_card(max_per_profile=3))
    assert dict(rules.identity.types) == {
        "card": IdentifierType(
            name="card",
            strength="evidence",
            scope="shared",
            priority=7,
            limit=MergeLimit(values_max=3),
        )
    }


def test_a_radius_is_part_of_the_version_and_the_built_in_one_of_none() -> None:
    rules = parse_ruleset({"blast_radius": 7})
    assert rules.identity.blast_records_max == 7
    assert parse_ruleset(to_document(rules)) == rules
    assert rules.version != Ruleset().version
    assert "blast_radius" not in to_document(Ruleset())


def test_a_policy_is_part_of_the_version_and_the_models_own_word_of_none() -> None:
    said = {"min_confidence": 0.9, "min_personal_fields": 2, "uses": {"marketing": 0.95}}
    rules = parse_ruleset({"merge_policy": said})
    assert to_document(rules)["merge_policy"] == said
    assert parse_ruleset(to_document(rules)) == rules
    assert rules.version != Ruleset().version
    assert "merge_policy" not in to_document(Ruleset())


def test_what_profiles_are_used_for_decides_nothing_about_records() -> None:
    rules = parse_ruleset({"merge_policy": {"uses": {"marketing": 0.95}}})
    assert rules.version != Ruleset().version
    assert rules.decides_as(Ruleset())
    assert not parse_ruleset({"merge_policy": {"min_confidence": 0.9}}).decides_as(Ruleset())
