"""What an identifier is once it is normalised, and where it counts."""

import pytest

from services.identity.domain.events import ExternalId
from services.identity.domain.identifiers import (
    VALUE_CHARS_MAX,
    IdentityRules,
    identifier_key,
    normalise,
    rules_for,
)
from services.identity.domain.ids import SourceName
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source

WEB = Source(name=SourceName("web"), channel="web", workspace="shop", region="GB")


@pytest.mark.parametrize(
    ("type_name", "raw", "value"),
    [
        pytest.param("email", " Ann@Example.ORG ", "ann@example.org", id="email-in-lower-case"),
        pytest.param("email", "no mail", None, id="no-email"),
        pytest.param("phone", "020 7946 0958", "+442079460958", id="national-phone"),
        pytest.param("phone", "+44 20 7946 0958", "+442079460958", id="international-phone"),
        pytest.param("phone", "call me", None, id="no-phone"),
        pytest.param("user_id", " u-9 ", "u-9", id="blanks-around"),
        pytest.param("user_id", "", None, id="empty"),
        pytest.param("user_id", "NULL", None, id="blocked"),
        pytest.param("user_id", "0000", None, id="zeros"),
        pytest.param("email", "test@example.org", None, id="blocked-mailbox"),
        pytest.param("user_id", "x" * (VALUE_CHARS_MAX + 1), None, id="too-long"),
    ],
)
def test_a_value_is_normalised_or_ties_nothing(type_name: str, raw: str, value: str | None) -> None:
    assert normalise(type_name, raw, "GB") == value


@pytest.mark.parametrize(
    ("type_name", "scope"),
    [
        pytest.param("user_id", "shop", id="a-user-id-counts-in-its-workspace"),
        pytest.param("device_id", "shop", id="so-does-a-device"),
        pytest.param("phone", "*", id="a-phone-counts-everywhere"),
    ],
)
def test_an_identifier_counts_in_its_scope(type_name: str, scope: str) -> None:
    found = IdentityRules().external_id(type_name, "020 7946 0958", WEB)
    assert found is not None
    assert (found.type, found.scope) == (type_name, scope)


def test_an_undeclared_type_is_no_identifier() -> None:
    rules = IdentityRules()
    assert rules.external_id("shoe_size", "44", WEB) is None
    assert not rules.is_decisive("shoe_size")
    assert rules.is_decisive("user_id")
    assert not rules.is_decisive("email")


def _source(name: str, strength: str) -> Source:
    mapping = parse_mapping(
        {"key": "id", "columns": {"card": {"kind": "identifier", "strength": strength}}}
    )
    return Source(name=SourceName(name), channel="files", workspace="shop", mapping=mapping)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_type_is_decisive_when_one_source_says_so(order: tuple[int, int]) -> None:
    sources = (_source("a", "decisive"), _source("b", "evidence"))
    rules = rules_for(sources[place] for place in order)
    assert rules.is_decisive("card")
    assert rules.external_id("card", "c-1", WEB) == ExternalId("card", "*", "c-1")


def test_the_key_of_an_identifier_fits_a_signed_number_of_64_bits() -> None:
    keys = {identifier_key("email", "*", f"{n}@example.org") for n in range(100)}
    assert len(keys) == 100
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert identifier_key("email", "shop", "x") != identifier_key("email", "*", "x")
