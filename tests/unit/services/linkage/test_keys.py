"""Tokens and blocking keys: what two records must share to be compared at all."""

from dataclasses import replace

import pytest

from services.linkage.features import Features, derive
from services.linkage.keys import (
    RULE_VALUES_MAX,
    blocking_keys,
    key_hash,
    token_catalogue,
    tokens,
)
from services.linkage.model import LinkageModel
from tests.linkage_factory import known, people

WORLD = known()
MODEL = WORLD.model


def features(**values: str) -> Features:
    return derive(values, WORLD.spec)


def test_tokens_are_parts_of_the_derived_columns() -> None:
    found = tokens(
        features(
            given_name="Robert",
            surname="O'Neil",
            date_of_birth="1980-04-05",
            postcode="AB1 2CD",
            address_line="12 High Street",
            email="robert.o@example.org",
            phone="020 7946 0123",
            national_id="QQ 123 456",
            city="Aberdeen",
        ),
        WORLD.spec,
    )
    expected = {
        "g": ["robert"],
        "g3": ["rob"],
        "g1": ["r"],
        "s": ["oneil"],
        "s4": ["onei"],
        "s1": ["o"],
        "t": ["oneil", "robert"],
        "tt": ["oneil|robert"],
        "d0": ["1980-04-05"],
        "d0md": ["0405"],
        "d0y": ["1980"],
        "d0ym": ["1980-04"],
        "d0yd": ["198005"],
        "d0sw": ["19800405"],
        "p0": ["ab12cd"],
        "p0a": ["ab1"],
        "a0": ["12 high st"],
        "a0k": ["12 high"],
        "a0s": ["high st"],
        "a0n": ["12"],
        "e0": ["robert.o@example.org"],
        "e0u": ["robert.o"],
        "e0u5": ["rober"],
        "f0": ["2079460123"],
        "f07": ["9460123"],
        "n0": ["qq123456"],
        "n0h": ["qq12"],
        "n0t": ["3456"],
        "c0": ["aberdeen"],
        "c04": ["aber"],
    }
    assert {name: found.get(name) for name in expected} == expected
    assert set(found) - set(expected) == {"gc", "gm", "sm"}


def test_a_token_without_a_value_is_left_out() -> None:
    assert tokens({}, WORLD.spec) == {}


def test_every_token_is_in_the_catalogue_once() -> None:
    names = [token.name for token in token_catalogue(WORLD.spec)]
    assert len(names) == len(set(names))
    for row in WORLD.features:
        for name, values in tokens(row, WORLD.spec).items():
            token = token_catalogue(WORLD.spec)[names.index(name)]
            assert token.is_multiple or len(values) == 1


def test_day_and_month_in_either_order_give_one_token() -> None:
    there, back = (
        tokens(features(date_of_birth=date), WORLD.spec) for date in ("1980-04-05", "1980-05-04")
    )
    assert there["d0sw"] == back["d0sw"]


def test_records_that_share_all_tokens_of_a_rule_share_a_key() -> None:
    model = replace(MODEL, keys=(("s", "d0"),))
    one, same, other = (
        blocking_keys(features(surname=surname, date_of_birth=date), model)
        for surname, date in (
            ("Müller", "1980-04-05"),
            ("MULLER", "5 April 1980"),
            ("Müller", "1980-04-06"),
        )
    )
    assert one == same
    assert not set(one) & set(other)


def test_a_record_that_lacks_a_token_has_no_key_of_the_rule() -> None:
    model = replace(MODEL, keys=(("s", "d0"),))
    assert blocking_keys(features(surname="Müller"), model) == []


def test_swapped_names_share_the_key_of_their_words() -> None:
    model = replace(MODEL, keys=(("tt",),))
    there = blocking_keys(features(given_name="Anna", surname="Muller"), model)
    back = blocking_keys(features(given_name="Muller", surname="Anna"), model)
    assert there == back
    assert len(there) == 1


def test_rules_do_not_share_keys() -> None:
    one, two = (
        blocking_keys(features(given_name="Smith", surname="Smith"), replace(MODEL, keys=keys))
        for keys in ((("g",),), (("s",),))
    )
    assert not set(one) & set(two)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_keys_are_sorted_distinct_signed_and_bounded(count: int) -> None:
    model: LinkageModel = replace(MODEL, keys=(("tt",), ("t", "d0y"), ("s", "d0")))
    name = " ".join(f"{chr(97 + n % 26)}{'bcdef'[n // 26]}nna" for n in range(count))
    keys = blocking_keys(features(given_name=name, date_of_birth="1980-01-01"), model)
    assert keys == sorted(set(keys))
    assert len(keys) <= RULE_VALUES_MAX * len(model.keys)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_keys_of_yesterday_are_keys_of_today() -> None:
    assert key_hash(("s", "d0"), ("muller", "1980-04-05")) == 8458723282903819508


def test_keys_do_not_depend_on_other_records() -> None:
    rows = people(30)
    alone = [blocking_keys(derive(row, WORLD.spec), MODEL) for row in rows]
    again = [blocking_keys(derive(row, WORLD.spec), MODEL) for row in reversed(rows)]
    assert alone == again[::-1]
