"""Rules taken into use in a home that has told profiles: as if it had always had them."""

from typing import Any

import pytest

from services.identity.domain.ruleset import encode_ruleset, parse_ruleset
from services.resolver.rederive import rederive
from tests.factories import channel_event, still_clock
from tests.resolver_home import Home

EMAIL: dict[str, Any] = {
    "normalise": "email", "strength": "decisive", "scope": "shared", "priority": 0,
}  # fmt: skip
USER = {"strength": "decisive", "scope": "workspace", "priority": 1}
EVENTS = [
    channel_event(user_id=user, message_id=f"m-{number}", minute=number, traits=traits)
    for number, (user, traits) in enumerate(
        [
            ("ann", {"email": "Ann@example.org", "firstName": "Annabel"}),
            ("ann-2", {"email": "ann@example.org", "firstName": "Ann"}),
            ("ben", {"email": "office@example.org"}),
            ("cat", {"email": "office@example.org"}),
        ]
    )
]
ANNS, STRANGERS = frozenset({"ann", "ann-2"}), {frozenset({"ben"}), frozenset({"cat"})}


def apply(home: Home, said: dict[str, Any]) -> Home:
    rules = parse_ruleset(said)
    home.store.activate_ruleset(rules.version, encode_ruleset(rules))
    rederive(home.store, still_clock(), from_events=True)
    return home.say()


@pytest.mark.parametrize(
    ("said", "people"),
    [
        pytest.param(
            {"identifiers": {"email": EMAIL}},
            {ANNS, frozenset({"ben", "cat"})},
            id="an-email-is-decisive",
        ),
        pytest.param(
            {"identifiers": {"email": EMAIL | {"blocked": {"values": ["office@example.org"]}}}},
            {ANNS} | STRANGERS,
            id="a-value-is-blocked",
        ),
        pytest.param(
            {"identifiers": {"email": EMAIL, "user_id": USER | {"max_per_profile": 1}}},
            {frozenset({"ann"}), frozenset({"ann-2"})} | STRANGERS,
            id="a-limit-refuses",
        ),
    ],
)
def test_new_rules_give_what_a_new_home_would_have(
    said: dict[str, Any], people: set[frozenset[str]]
) -> None:
    home = apply(Home().say(*EVENTS), said)
    assert home.people() == people
    assert home.hash() == apply(Home(), said).say(*EVENTS).hash()


def test_the_old_rules_taken_back_give_back_what_was() -> None:
    home = Home().say(*EVENTS)
    before = home.hash()
    apply(home, {"identifiers": {"email": EMAIL}, "survivorship": {"default": "longest"}})
    fields = [document["fields"] for document in home.documents().values()]
    names = {each["given_name"]["value"] for each in fields if "given_name" in each}
    assert names == {"Annabel"}
    assert apply(home, {}).hash() == before
