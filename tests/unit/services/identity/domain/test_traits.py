"""Traits of tracking calls become fields, the same ones in any order."""

from itertools import permutations
from typing import Any

import pytest

from services.identity.domain.traits import TRAITS_MAX, fields_of


@pytest.mark.parametrize(
    ("traits", "fields"),
    [
        pytest.param({"firstName": "Ann"}, {"given_name": "Ann"}, id="a-known-trait"),
        pytest.param({"plan": 3}, {"plan": 3}, id="an-own-trait"),
        pytest.param({"zip": 1234}, {"postcode": "1234"}, id="a-known-trait-is-text"),
        pytest.param({"email": None}, {"email": None}, id="null-stays-null"),
        pytest.param({"address": {"city": "Leeds"}}, {"city": "Leeds"}, id="address"),
        pytest.param({"cart": {"a": 1}, "list": [1]}, {}, id="nested-values-are-no-fields"),
        pytest.param(
            {"dob": "b", "birthday": "a"}, {"date_of_birth": "a"}, id="the-first-name-wins"
        ),
        pytest.param(
            {"city": 5, "address": {"city": "Leeds"}}, {"city": "5"}, id="the-upper-level-wins"
        ),
        pytest.param(
            {"address": {"address": {"city": "Leeds"}, "city": None}}, {"city": None}, id="once"
        ),
    ],
)
def test_traits_become_fields_in_any_order(traits: dict[str, Any], fields: dict[str, Any]) -> None:
    for order in permutations(traits):
        assert fields_of({name: traits[name] for name in order}) == fields


def test_an_event_gives_only_so_many_fields() -> None:
    assert len(fields_of({f"t{n}": n for n in range(TRAITS_MAX + 9)})) == TRAITS_MAX
