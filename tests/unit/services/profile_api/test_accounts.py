"""Accounts as callers see them: people who were landed and resolved, then asked about."""

from collections.abc import Sequence
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.domain.accounts import AccountType, account_id_of, account_name
from services.identity.domain.household import HOUSEHOLD_PEOPLE_MAX
from services.identity.domain.ids import RecordKey, SourceName
from services.identity.domain.reading import RecordRow, StoredView
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent
from services.profile_api import account_desk
from services.profile_api.responses import DecisionAnswer
from services.profile_api.routes.account_responses import AccountAnswer, ProfileAccountsAnswer
from tests.factories import channel_event
from tests.resolver_home import Home
from tests.unit.services.profile_api.conftest import Office, problem

HOME = {"street": "14 Alder Row", "city": "Leeds", "postalCode": "LS7 3QT"}
ANN = {**HOME, "firstName": "Ann", "lastName": "Lee", "birthday": "1980-02-03"}
BEN = {**HOME, "firstName": "Ben", "lastName": "Lee", "birthday": "1979-11-30"}
NUMBER = ("account_number", "4401")
BILLING = RecordKey("billing", *NUMBER)
ANNS, BENS = (RecordKey("web", "contact_id", key) for key in ("ann", "ben"))
HOUSEHOLD = account_id_of(account_name(AccountType.HOUSEHOLD, "", "14 alder row\x1fls73qt"))


def shown(office: Office, home: Home) -> None:
    """The office answers from what the home has resolved."""
    store, tables = office.store, home.store.tables
    store.source_rows = [Source(name=SourceName("web"), channel="web", workspace="shop")]
    rows = {
        number: RecordRow(
            profile=member.profile,
            key=tables.records[number].key,
            state=tables.records[number].state,
            features=tables.records[number].features,
        )
        for number, member in tables.members.items()
        if member.profile is not None
    }
    store.views = {
        each: StoredView(id=each, document=row.document, stays=())
        for each, row in tables.profiles.items()
        if row.document is not None
    }
    store.told = {p: rows[min(r)].profile for p, r in tables.residents.items() if r}
    store.profile_rows = {}
    for row in rows.values():
        store.profile_rows.setdefault(row.profile, []).append(row)
    store.account_rows = {
        account: [rows[number] for number in sorted({row.record for row in own})]
        for account, own in tables.accounts.items()
    }


def joint() -> Home:
    """Ann holds the account, Ben uses it, both live at one address."""
    return Home().say(
        channel_event(source="billing", record=NUMBER, message_id="1", traits=ANN),
        channel_event(
            source="billing",
            record=NUMBER,
            message_id="2",
            kind="track",
            event="Product Held",
            properties={"product": "TV", "price": "45.00", "currency": "GBP"},
        ),
        channel_event(
            source="billing",
            record=NUMBER,
            message_id="3",
            kind="track",
            event="Invoice Issued",
            properties={"amount": "45.00", "currency": "GBP"},
        ),
        contact("ann", ANN),
        contact("ben", BEN),
    )


def contact(
    key: str,
    traits: dict[str, str],
    *,
    minute: int = 0,
    kind: str = "identify",
    external_ids: Sequence[tuple[str, str]] = (NUMBER,),
) -> ChannelEvent:
    return channel_event(
        record=("contact_id", key),
        message_id=f"{key}-{minute}",
        minute=minute,
        kind=kind,
        traits=traits,
        external_ids=external_ids,
    )


async def read(client: httpx2.AsyncClient, ref: str) -> dict[str, Any]:
    response = await client.get(f"/v1/accounts/{ref}")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    AccountAnswer.model_validate(body)
    return body


def roles_by_profile(body: dict[str, Any]) -> dict[str, set[str]]:
    return {each["profile_id"]: set(each["roles"]) for each in body["members"]}


async def test_a_joint_account_has_two_members_with_their_roles(
    office: Office, client: httpx2.AsyncClient
) -> None:
    home = joint()
    shown(office, home)
    body = await read(client, "account_number:4401")
    ann, ben = home.profile_of(BILLING), home.profile_of(BENS)
    assert roles_by_profile(body) == {str(ann): {"holder", "user"}, str(ben): {"user"}}
    assert body == await read(client, body["account_id"])
    assert [each["product"] for each in body["holdings"]] == ["TV"]
    assert body["value"] == {"invoiced": {"GBP": "45"}, "paid": {}}


async def test_a_household_is_the_people_of_one_address(
    office: Office, client: httpx2.AsyncClient
) -> None:
    home = joint().say(
        contact("eve", {**HOME, "firstName": "Eve", "lastName": "Ray"}, external_ids=[])
    )
    shown(office, home)
    body = await read(client, HOUSEHOLD)
    assert (body["type"], body["name"]) == ("household", "14 alder row, ls73qt")
    assert set(roles_by_profile(body)) == {home.profile_of(BILLING), home.profile_of(BENS)}
    assert [each["product"] for each in body["holdings"]] == ["TV"]
    assert body["value"]["invoiced"] == {"GBP": "45"}


async def test_a_profile_tells_its_accounts_and_its_household(
    office: Office, client: httpx2.AsyncClient
) -> None:
    home = joint()
    shown(office, home)
    response = await client.get(f"/v1/profiles/{home.profile_of(BENS)}/accounts")
    body = response.json()
    ProfileAccountsAnswer.model_validate(body)
    (account,) = body["accounts"]
    assert (account["name"], set(account["roles"]), account["member_count"]) == (
        "4401",
        {"user"},
        2,
    )
    assert body["household"]["account_id"] == HOUSEHOLD


async def test_a_person_who_moved_out_is_in_the_household_no_more(
    office: Office, client: httpx2.AsyncClient
) -> None:
    away = {"street": "3 Quarry Lane", "postalCode": "YO1 9QL"}
    home = joint().say(contact("ben", away, minute=1))
    shown(office, home)
    assert (await read(client, HOUSEHOLD))["members"] == []
    body = (await client.get(f"/v1/profiles/{home.profile_of(BENS)}/accounts")).json()
    assert body["household"] is None


async def test_a_landline_ties_two_surnames(office: Office, client: httpx2.AsyncClient) -> None:
    phone = {"phone": "0113 496 0142"}
    ray = {**HOME, "firstName": "Eve", "lastName": "Ray", "birthday": "1991-05-05"}
    home = Home().say(
        contact("ann", {**ANN, **phone}, external_ids=[]),
        contact("eve", {**ray, **phone}, external_ids=[]),
    )
    assert len(home.people()) == 2
    shown(office, home)
    assert len((await read(client, HOUSEHOLD))["members"]) == 2


async def test_an_address_of_too_many_people_is_a_building(
    office: Office, client: httpx2.AsyncClient
) -> None:
    people = [
        contact(
            name,
            {
                **HOME,
                "firstName": name,
                "lastName": "Lee",
                "birthday": f"19{50 + n}-0{1 + n % 9}-11",
            },
            external_ids=[],
        )
        for n, name in enumerate(
            ("Amy", "Burt", "Cleo", "Dirk", "Edna", "Finn", "Gus", "Hope", "Ivo", "Jude", "Kit")
        )
    ]
    home = Home().say(*people)
    assert len(home.people()) == HOUSEHOLD_PEOPLE_MAX + 1
    shown(office, home)
    body = await read(client, HOUSEHOLD)
    assert (body["building"], body["members"]) == (True, [])
    shown(office, home.say(contact("Kit", {"street": "3 Quarry Lane"}, minute=1)))
    assert len((await read(client, HOUSEHOLD))["members"]) == HOUSEHOLD_PEOPLE_MAX


async def test_membership_survives_a_merge_and_an_un_merge(
    office: Office, client: httpx2.AsyncClient
) -> None:
    """Two contacts of Ann: one quotes the account. A correction merges and parts them."""
    unlike = {"firstName": "Eve", "lastName": "Ray", "birthday": "1991-05-05", "street": "1 Low Rd"}
    other = RecordKey("web", "contact_id", "ann-2")
    home = Home().say(contact("ann", ANN), contact("ann-2", unlike, external_ids=[]))

    async def members() -> set[str]:
        shown(office, home)
        return set(roles_by_profile(await read(client, "account_number:4401")))

    assert home.profile_of(other) != home.profile_of(ANNS)
    assert await members() == {home.profile_of(ANNS)}
    home.say(contact("ann-2", ANN, minute=1, external_ids=[]))
    assert home.profile_of(other) == home.profile_of(ANNS)
    assert await members() == {home.profile_of(ANNS)}
    home.say(contact("ann-2", unlike, minute=2, external_ids=[]))
    assert home.profile_of(other) != home.profile_of(ANNS)
    assert await members() == {home.profile_of(ANNS)}


async def test_an_organisation_rolls_up_its_people(
    office: Office, client: httpx2.AsyncClient
) -> None:
    event = contact("ann", {}, minute=2, kind="group", external_ids=[])
    said = msgspec.structs.replace(event.data, group_id="acme", traits={"name": "Acme Ltd"})
    home = joint().say(msgspec.structs.replace(event, data=said))
    shown(office, home)
    body = await read(client, "group_id:acme")
    assert (body["type"], body["traits"]) == ("organisation", {"name": "Acme Ltd"})
    assert body["value"]["invoiced"] == {"GBP": "45"}


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param("account_number:9999", id="no-such-number"),
        pytest.param("account_number:null", id="a-blocked-value"),
        pytest.param("email:ann@example.org", id="no-account-type"),
        pytest.param("6a1f4f0e-2f0b-5f4c-9d83-0b6a4b7f3c11", id="an-id-never-told"),
    ],
)
async def test_what_is_no_account_is_unknown(
    office: Office, client: httpx2.AsyncClient, ref: str
) -> None:
    shown(office, joint())
    assert problem(await client.get(f"/v1/accounts/{ref}")) == "unknown_account"


async def test_an_account_of_two_workspaces_tells_ids_only(
    office: Office, client: httpx2.AsyncClient
) -> None:
    bank = channel_event(
        source="bank", record=("contact_id", "b"), message_id="b", external_ids=[NUMBER]
    )
    shown(office, joint().say(bank))
    office.store.source_rows.append(
        Source(name=SourceName("bank"), channel="web", workspace="bank")
    )
    response = await client.get("/v1/accounts/account_number:4401")
    assert problem(response) == "several_accounts"
    assert len(response.json()["accounts"]) == 2


async def test_a_large_account_says_that_not_all_was_read(
    office: Office, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_desk, "RECORDS_MAX", 1)
    shown(office, joint())
    body = await read(client, "account_number:4401")
    assert (body["complete"], len(body["members"])) == (False, 1)


@pytest.mark.parametrize(
    ("per", "held_by", "price"),
    [
        pytest.param("person", None, None, id="of-her-own-she-holds-nothing"),
        pytest.param("account", "account", "45", id="her-account-holds-it-at-its-price"),
        pytest.param("household", "household", None, id="another-of-her-household-holds-it"),
    ],
)
async def test_an_offer_says_whose_holdings_count(
    office: Office, client: httpx2.AsyncClient, per: str, held_by: str | None, price: str | None
) -> None:
    home = joint()
    shown(office, home)
    body = {
        "who": str(home.profile_of(BENS)),
        "purpose": "service",
        "channel": "web",
        "offer": {"product": "TV", "price": "30.00", "currency": "GBP", "per": per},
    }
    found = (await client.post("/v1/decisions", json=body)).json()
    DecisionAnswer.model_validate(found)
    held = found["already_held"]
    assert (None if held is None else (held["held_by"], held["held_price"])) == (
        None if held_by is None else (held_by, price)
    )
    assert ("already_held" in [each["code"] for each in found["reasons"]]) == (held_by is not None)
