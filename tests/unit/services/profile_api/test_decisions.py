"""POST /v1/decisions: what is answered, what is logged, what is refused."""

from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.domain.ids import RecordKey
from services.identity.domain.reading import ProgressRow
from services.identity.domain.ruleset import encode_ruleset, parse_ruleset
from services.identity.wire.as_of import token_of_progress
from services.profile_api.responses import DecisionAnswer
from tests.profile_factory import a_consent, a_holding, a_profile
from tests.unit.services.profile_api.conftest import Office, is_uuid, problem

TV_OFFER = {"product": "TV Basic", "price": 30, "currency": "GBP", "line_of_business": "tv"}


def an_ask(**change: object) -> dict[str, object]:
    return {
        "who": "email:ann@example.org",
        "purpose": "marketing",
        "channel": "web",
        "offer": TV_OFFER,
        **change,
    }


def add_ann(office: Office, *, granted: bool = True) -> str:
    profile = a_profile(
        holdings=[a_holding("TV Max", line_of_business="TV", price="45")],
        consents=[a_consent("marketing", "*", granted=granted)],
        confidence=0.97,
    )
    return office.add(profile, email="ann@example.org")


async def ask(client: httpx2.AsyncClient, **change: object) -> dict[str, Any]:
    response = await client.post("/v1/decisions", json=an_ask(**change))
    assert response.status_code == 200, response.text
    body = msgspec.json.decode(response.content, type=dict[str, Any])
    DecisionAnswer.model_validate(body)
    return body


async def test_nobody_is_offered_what_she_has_for_less(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = add_ann(office)
    body = await ask(client)
    assert body["decision"] == "suppress"
    assert [each["code"] for each in body["reasons"]] == ["already_held"]
    assert (body["offered_price"], body["held_price"]) == ("30", "45")
    assert body["already_held"]["product"] == "TV Max"
    assert body["already_held"]["offer_is_cheaper"] is True
    assert body["profile_id"] == told
    assert is_uuid(body["decision_id"])


async def test_what_she_does_not_hold_may_be_offered(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office)
    body = await ask(client, offer={"product": "Fibre 100", "price": "25.00"})
    assert (body["decision"], body["reasons"], body["already_held"]) == ("allow", [], None)
    assert (body["offered_price"], body["held_price"]) == ("25.00", None)
    assert body["consent"]["standing"] == "granted"


async def test_every_reason_is_given_in_its_order(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office, granted=False)
    body = await ask(client, min_confidence=0.99)
    assert [each["code"] for each in body["reasons"]] == [
        "identity_confidence_below_asked",
        "no_consent",
        "already_held",
    ]
    assert body["reasons"][0]["min_confidence"] == 0.99


async def test_of_who_is_less_sure_than_asked_nothing_is_told(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office, granted=False)
    body = await ask(client, min_confidence=0.99)
    assert (body["consent"], body["already_held"], body["held_price"]) == (None, None, None)
    assert all(set(each) == {"code", "detail"} for each in body["reasons"][1:])


async def test_a_purpose_asks_as_much_as_the_rules_say(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office)
    rules = parse_ruleset({"merge_policy": {"uses": {"marketing": 0.98, "service": 0.5}}})
    office.store.ruleset_document = encode_ruleset(rules)
    (reason, _) = (await ask(client, min_confidence=0.5))["reasons"]
    assert (reason["code"], reason["min_confidence"]) == ("identity_confidence_below_asked", 0.98)
    service = await ask(client, purpose="service")
    assert "identity_confidence_below_asked" not in {each["code"] for each in service["reasons"]}


async def test_nobody_known_is_never_allow(client: httpx2.AsyncClient) -> None:
    body = await ask(client, who="email:nobody@example.org")
    assert (body["decision"], body["profile_id"]) == ("suppress", None)
    assert [each["code"] for each in body["reasons"]] == ["unknown_profile"]


async def test_two_people_are_never_allow(office: Office, client: httpx2.AsyncClient) -> None:
    add_ann(office)
    office.add(a_profile(records=[RecordKey("web", "user_id", "u-2")]), email="ann@example.org")
    body = await ask(client)
    assert [each["code"] for each in body["reasons"]] == ["ambiguous_identity"]
    assert len(body["candidates"]) == 2
    assert (body["profile_id"], body["consent"], body["already_held"]) == (None, None, None)


async def test_a_purpose_of_the_contract_needs_no_consent(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.add(a_profile(), email="ann@example.org")
    assert (await ask(client, purpose="service"))["decision"] == "allow"
    assert (await ask(client, purpose="marketing"))["decision"] == "suppress"


async def test_no_offer_asks_about_the_message_alone(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office)
    assert (await ask(client, offer=None))["decision"] == "allow"


async def test_every_decision_is_logged_with_what_it_saw(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = add_ann(office)
    office.store.progress_row = ProgressRow(as_of="channel-events:0:7", pending_since=None)
    body = await ask(client)
    (entry,) = office.store.entries
    assert (str(entry.id), entry.profile) == (body["decision_id"], told)
    assert entry.answer["as_of"] == token_of_progress("channel-events:0:7")
    assert entry.answer["held_price"] == "45"
    assert entry.request["purpose"] == "marketing"
    assert b"ann@" not in msgspec.json.encode([entry.request, entry.answer])


async def test_ids_of_decisions_follow_time(office: Office, client: httpx2.AsyncClient) -> None:
    add_ann(office)
    first = (await ask(client))["decision_id"]
    office.clock.advance(1_000)
    assert first < (await ask(client))["decision_id"]


async def test_asking_without_a_trace(office: Office, client: httpx2.AsyncClient) -> None:
    add_ann(office)
    assert (await ask(client, log=False))["decision_id"] is None
    assert office.store.entries == []


async def test_a_decision_that_cannot_be_logged_is_not_answered(
    office: Office, client: httpx2.AsyncClient
) -> None:
    add_ann(office)
    await ask(client)
    office.store.is_down = True
    response = await client.post("/v1/decisions", json=an_ask())
    assert (response.status_code, problem(response)) == (503, "unavailable")


WRONG: dict[str, tuple[dict[str, object], str, str]] = {
    "no one": ({"who": ""}, "/body/who", "string_too_short"),
    "a number for who": ({"who": 7}, "/body/who", "string_type"),
    "any channel": ({"channel": "*"}, "/body/channel", "string_pattern_mismatch"),
    "any purpose": ({"purpose": "*"}, "/body/purpose", "string_pattern_mismatch"),
    "a confidence beyond one": ({"min_confidence": 1.5}, "/body/min_confidence", "less_than_equal"),
    "a confidence as truth": ({"min_confidence": True}, "/body/min_confidence", "float_type"),
    "log as text": ({"log": "yes"}, "/body/log", "bool_type"),
    "an offer without a product": ({"offer": {}}, "/body/offer/product", "missing"),
    "control characters": (
        {"offer": {"product": "a\x00"}},
        "/body/offer/product",
        "string_pattern",
    ),
    "a price below nothing": ({"offer": {"product": "a", "price": -1}}, "/body/offer/price", ""),
    "a price as truth": ({"offer": {"product": "a", "price": True}}, "/body/offer/price", ""),
    "a price in words": ({"offer": {"product": "a", "price": "cheap"}}, "/body/offer/price", ""),
    "a currency in words": (
        {"offer": {"product": "a", "currency": "pounds"}},
        "/body/offer/currency",
        "string_pattern_mismatch",
    ),
    "an unknown member": ({"ann@example.org": 1}, "/body", "extra_forbidden"),
}


@pytest.mark.parametrize(("change", "pointer", "code"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_ask_names_the_place_and_repeats_nothing(
    client: httpx2.AsyncClient, change: dict[str, object], pointer: str, code: str
) -> None:
    response = await client.post("/v1/decisions", json=an_ask(**change))
    assert (response.status_code, problem(response)) == (422, "invalid_request")
    errors = response.json()["errors"]
    assert any(each["pointer"].startswith(pointer) and code in each["code"] for each in errors)
    assert "example.org" not in response.text


@pytest.mark.parametrize("who", ["nonsense", "shoe_size:41"])
async def test_who_must_be_of_a_known_kind(client: httpx2.AsyncClient, who: str) -> None:
    response = await client.post("/v1/decisions", json=an_ask(who=who))
    assert (response.status_code, problem(response)) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"\xff", 422), (b"[" * 40_000, 422), (b"null", 422), (b"x" * 70_000, 413)],
    ids=["cut off", "no UTF-8", "deep", "null", "too large"],
)
async def test_what_is_no_json_is_refused(
    client: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/v1/decisions", content=body, headers=headers)
    assert response.status_code == status
    problem(response)


async def test_prices_keep_their_digits(office: Office, client: httpx2.AsyncClient) -> None:
    add_ann(office)
    for given, told in ((30, "30"), (30.5, "30.5"), ("30.50", "30.50"), (1e-6, "0.000001")):
        offer = {"product": "x", "price": given}
        assert (await ask(client, offer=offer))["offered_price"] == told
