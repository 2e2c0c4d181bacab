"""GET /v1/generic: which values tie nobody, told by type; the value itself to who may see it."""

from dataclasses import replace

import httpx2

from services.identity.domain.ids import Micros
from services.identity.domain.reading import GenericRow
from services.identity.domain.value_word import ValueVerdict
from services.identity.wire.commands import mark_value
from services.profile_api.auth import Scope
from services.profile_api.routes.generic import GenericsAnswer
from tests.profile_factory import T0
from tests.unit.services.profile_api.conftest import Office, problem

OFFICE, SHOP, RULE = (
    GenericRow(key=key, since=Micros(T0 + key), holders=held, type=type_name, value=value)
    for key, held, type_name, value in (
        (7, 120, "phone", "+441134960123"),
        (9, 400, "email", "shop@example.org"),
        (8, 60, None, None),
    )
)


async def test_identifiers_are_listed_without_their_values(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.store.generic_rows += [OFFICE, SHOP, RULE]
    body = (await client.get("/v1/generic")).json()
    GenericsAnswer.model_validate(body)
    assert [(each["type"], each["holders"]) for each in body["generic"]] == [
        ("email", 400),
        ("phone", 120),
    ]
    assert {each["holders_max"] for each in body["generic"]} == {100}
    assert not any("value" in each for each in body["generic"])
    assert body["more"] is False


async def test_the_newest_come_first_where_there_are_more(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.store.generic_rows += [OFFICE, SHOP]
    body = (await client.get("/v1/generic?limit=1")).json()
    assert ([each["key"] for each in body["generic"]], body["more"]) == (["9"], True)


async def test_keys_of_the_model_are_a_list_of_their_own(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.store.generic_rows += [OFFICE, RULE]
    (told,) = (await client.get("/v1/generic?blocking=true")).json()["generic"]
    assert (told["type"], told["holders_max"]) == ("blocking", 50)


async def test_a_value_needs_the_right_to_read_profiles(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.store.generic_rows += [OFFICE]
    (told,) = (await client.get("/v1/generic?values=true")).json()["generic"]
    assert told["value"] == "+441134960123"
    traces_only = {"Authorization": f"Bearer {office.key(Scope.TRACE_READ)}"}
    assert (await client.get("/v1/generic", headers=traces_only)).status_code == 200
    refused = await client.get("/v1/generic?values=true", headers=traces_only)
    assert problem(refused) == "missing_scope"


async def test_a_limit_that_a_steward_set_is_told(
    office: Office, client: httpx2.AsyncClient
) -> None:
    word = mark_value(
        ("phone", "*", "+441134960123"), ValueVerdict.NOT_GENERIC, decided_at=T0, by="s", reason="r"
    )
    office.store.generic_rows += [replace(OFFICE, key=word.key), SHOP]
    office.store.value_word_rows.append(word)
    (shop, phone) = (await client.get("/v1/generic")).json()["generic"]
    assert (shop["steward"], shop["holders_max"]) == (False, 100)
    assert (phone["steward"], phone["holders_max"]) == (True, 1_000)
