"""Every check of the demo turns red when what it watches over is broken."""

from dataclasses import replace
from typing import Any

import pytest

from services.cli.demo.checks import population_checks, replay_checks, story_checks
from services.cli.demo.play import Played

SOURCES = ("web", "web", "app", "calls", "billing")


def _profile(id_: str, *segments: str, sources: tuple[str, ...] = SOURCES) -> dict[str, Any]:
    return {
        "profile_id": id_,
        "status": "current",
        "records": [{"source": each} for each in sources],
        "segments": [{"id": each} for each in segments],
    }


AFTER: dict[str, Any] = {
    "decision": "suppress",
    "reasons": [{"code": "already_held"}],
    "already_held": {"offered_price": "30.00", "held_price": "45", "offer_is_cheaper": True},
}
KATE = _profile("kate", "tv-customer", "four-channels", "called-us")
PLAYED = Played(
    chapters=[],
    ties=[{}] * 4,
    before={"decision": "allow", "reasons": []},
    after=AFTER,
    early=_profile("early", "tv-prospect"),
    kate=KATE,
    by_early_id=KATE,
    by_account=KATE,
    daniel=_profile("daniel"),
    stranger=_profile("stranger"),
)
REPORT: dict[str, Any] = {
    "records": 10,
    "records_resolved": 10,
    "precision": 0.99,
    "recall": 0.7,
    "dead_letters": 0,
}
REPLAYED: dict[str, Any] = {"changes": 0, "taken": 10, "same": True, "state_hash_after": "ab"}


def test_a_story_as_it_should_be_passes() -> None:
    assert all(each.passed for each in story_checks(PLAYED))


@pytest.mark.parametrize(
    ("broken", "red"),
    [
        (replace(PLAYED, before=AFTER), "before the call"),
        (replace(PLAYED, after=PLAYED.before), "after the call"),
        (replace(PLAYED, after=PLAYED.before), "both prices"),
        (replace(PLAYED, kate=_profile("kate", sources=("web", "app"))), "four channels"),
        (replace(PLAYED, by_account=_profile("billing")), "her account"),
        (replace(PLAYED, by_early_id=_profile("early")), "the id told before"),
        (replace(PLAYED, daniel=KATE), "stay apart"),
        (replace(PLAYED, stranger=PLAYED.daniel), "stay apart"),
        (replace(PLAYED, ties=[]), "every merge"),
        (replace(PLAYED, early=KATE), "segments"),
    ],
)
def test_a_broken_story_turns_its_check_red(broken: Played, red: str) -> None:
    failed = [each.name for each in story_checks(broken) if not each.passed]
    assert any(red in name for name in failed)


@pytest.mark.parametrize(
    "broken", [{"precision": 0.9}, {"recall": 0.5}, {"records_resolved": 9}, {"dead_letters": 1}]
)
def test_a_broken_population_turns_one_check_red(broken: dict[str, Any]) -> None:
    assert all(each.passed for each in population_checks(REPORT))
    assert sum(not each.passed for each in population_checks(REPORT | broken)) == 1


@pytest.mark.parametrize("broken", [{"changes": 1}, {"same": False}, {"taken": 0}])
def test_a_replay_that_changes_something_turns_one_check_red(broken: dict[str, Any]) -> None:
    assert all(each.passed for each in replay_checks(REPLAYED))
    assert sum(not each.passed for each in replay_checks(REPLAYED | broken)) == 1
