"""What single commands tell: rules whole, reviews that are about no record, an empty home."""

import pytest

from services.cli.review import about
from services.cli.rules import whole_document
from services.identity.domain.errors import UsageError
from services.identity.domain.ruleset import Ruleset, parse_ruleset
from services.linkage.training.train import train


def test_rules_are_shown_whole_and_come_to_the_same() -> None:
    shown = whole_document(Ruleset())
    assert shown["blast_radius"] == 50
    assert parse_ruleset(shown).version == Ruleset().version


def test_a_review_about_no_record_tells_its_cause() -> None:
    detail = {"type": "phone", "holders": 7, "generic": True, "said": None}
    assert about({"about": [], "detail": detail}) == "type phone, holders 7, generic True"


def test_training_on_an_empty_home_says_to_load_something() -> None:
    with pytest.raises(UsageError, match="plait load"):
        train([], fields=())
