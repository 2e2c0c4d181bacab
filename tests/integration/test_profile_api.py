"""The profile API on PostgreSQL: what the tables hold is what callers are told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from psycopg.types.json import Jsonb

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.sql.appends import SqlDecisionLog
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.landing import encode_state
from services.identity.adapters.sql.reads import SqlReads
from services.identity.domain.accounts import (
    AccountSaid,
    AccountType,
    account_id_of,
    account_name,
)
from services.identity.domain.identifiers import SCOPE_SHARED, identifier_key
from services.identity.domain.ids import Micros, RecordKey, profile_id_of
from services.identity.domain.profile import Profile
from services.identity.domain.record import RecordState
from services.identity.domain.stamps import Seen
from services.identity.wire.as_of import token_of_progress
from services.identity.wire.events import ChannelEvent, EventData, RecordRef
from services.identity.wire.events import encode as encode_event
from services.identity.wire.profiles import encode
from services.profile_api.app import create_app
from services.profile_api.auth import Scope, new_key
from services.profile_api.responses import DecisionAnswer, ProfileAnswer
from services.profile_api.routes.account_responses import AccountAnswer
from services.profile_api.settings import ProfileApiSettings
from tests.profile_factory import SECOND, T0, a_consent, a_holding, a_profile

pytestmark = pytest.mark.integration

PEPPER = "a pepper for tests"
WEB, BILLS = RecordKey("web", "user_id", "u-1"), RecordKey("bills", "account_number", "4401")
OTHER = RecordKey("web", "user_id", "u-2")


@dataclass
class Tables:
    """Fills the tables that the resolver would fill."""

    connection: psycopg.Connection[Any]

    def add_record(self, key: RecordKey, *, profile: str | None, email: str | None = None) -> int:
        row = self.connection.execute(
            "INSERT INTO record (uid, source, key_kind, key, state, features, keys, version)"
            " VALUES (%s, %s, %s, %s, '', '', '{}', 1) RETURNING id",
            (UUID(profile_id_of(key)), key.source, key.kind, key.key),
        ).fetchone()
        assert row is not None
        number: int = row[0]
        self.connection.execute(
            "INSERT INTO membership (record, component, profile) VALUES (%s, %s, %s)",
            (number, 1, profile),
        )
        if email is not None:
            found = identifier_key("email", SCOPE_SHARED, email)
            self.connection.execute("INSERT INTO key VALUES (%s, %s)", (found, number))
        return number

    def add_profile(self, profile: Profile) -> str:
        self.connection.execute(
            "INSERT INTO profile VALUES (%s, %s, 1, 1, %s)", (profile.id, encode(profile), T0)
        )
        return profile.id

    def add_event(self, record: int, number: int, *, at: int) -> None:
        message = ChannelEvent(
            id=f"m-{number}",
            source="web",
            type="plait.track.v1",
            time=datetime(2023, 11, 14, tzinfo=UTC),
            data=EventData(
                record=RecordRef(kind="user_id", key="u-1"),
                received_at=datetime(2023, 11, 14, tzinfo=UTC),
                event="Order Completed",
            ),
        )
        self.connection.execute(
            "INSERT INTO event VALUES (%s, %s, %s, %s)",
            (record, at, UUID(int=number), encode_event(message)),
        )

    def add_segment(self, name: str, *profiles: str, left: str | None = None) -> None:
        document = {"id": name, "name": name, "predicate": "TRUE", "purposes": []}
        self.connection.execute(
            "INSERT INTO segment VALUES (%s, %s, 1, %s)", (name, Jsonb(document), T0)
        )
        for profile in profiles:
            self.connection.execute(
                "INSERT INTO segment_membership (segment, profile, entered_at, left_at, reason)"
                " VALUES (%s, %s, %s, %s, 'x')",
                (name, profile, T0, T0 + 1 if profile == left else None),
            )

    def add_key(self, *scopes: Scope) -> str:
        made = new_key(
            random=lambda count: b"\x05" * count,
            pepper=PEPPER.encode(),
            scopes=scopes,
            label="test",
            at=T0,
        )
        stored = made.stored
        self.connection.execute(
            "INSERT INTO api_key VALUES (%s, %s, %s, %s, %s)",
            (stored.prefix, stored.key_hash, sorted(stored.scopes), stored.label, T0),
        )
        return made.text


@pytest.fixture
def tables(database_url: str) -> Any:  # noqa: ANN401  # a generator of Tables
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Tables(connection)


@pytest.fixture
async def client(database_url: str, tables: Tables) -> AsyncIterator[httpx2.AsyncClient]:
    pool = AsyncPool(database_url)
    app = create_app(
        ProfileApiSettings.model_validate({"key_pepper": PEPPER}),
        SqlReads(pool),
        SqlDecisionLog(pool),
        ManualClock(Micros(T0 + 10 * SECOND)),
        random=lambda count: b"\x01" * count,
    )
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://plait.example.org",
            headers={"Authorization": f"Bearer {tables.add_key(*Scope)}"},
        ) as opened,
    ):
        yield opened


def a_viewer() -> Profile:
    return a_profile(
        fields={"city": "Leeds"},
        holdings=[a_holding("TV Max", line_of_business="tv", price="45")],
        consents=[a_consent("marketing", "*", granted=True)],
        records=(WEB, BILLS),
        confidence=0.97,
    )


async def test_a_profile_by_both_its_ids_and_its_email(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    told = tables.add_profile(a_viewer())
    tables.add_record(WEB, profile=told, email="ann@example.org")
    tables.add_record(BILLS, profile=told, email="ann@example.org")
    tables.add_segment("tv", told)
    tables.add_segment("former", told, left=told)
    tables.connection.execute(
        "INSERT INTO progress VALUES ('resolver', 'channel-events:0:7', %s, %s)",
        (T0 + 8 * SECOND, T0),
    )
    for who, status in (
        (told, "current"),
        (profile_id_of(BILLS), "merged"),
        ("email:ANN@example.org", "current"),
    ):
        response = await client.get(f"/v1/profiles/{who}")
        assert response.status_code == 200, response.text
        body = response.json()
        ProfileAnswer.model_validate(body)
        assert (body["profile_id"], body["requested_id"], body["status"]) == (told, who, status)
        assert body["segments"] == [{"id": "tv", "entered_at": "2023-11-14T22:13:20Z"}]
        assert (body["as_of"], body["lag_ms"]) == (token_of_progress("channel-events:0:7"), 2_000)


async def test_an_id_that_was_never_told_is_unknown(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    tables.add_record(OTHER, profile=None)
    for who in (profile_id_of(OTHER), profile_id_of(WEB), "email:nobody@example.org"):
        assert (await client.get(f"/v1/profiles/{who}")).status_code == 404, who


async def test_an_identifier_of_two_people_tells_ids_only(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    one = tables.add_profile(a_viewer())
    two = tables.add_profile(a_profile(records=[OTHER]))
    tables.add_record(WEB, profile=one, email="home@example.org")
    tables.add_record(OTHER, profile=two, email="home@example.org")
    response = await client.get("/v1/profiles/email:home@example.org")
    assert response.status_code == 300
    assert {each["profile_id"] for each in response.json()["candidates"]} == {one, two}
    assert "Leeds" not in response.text


async def test_the_timeline_is_the_union_of_the_records_in_pages(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    told = tables.add_profile(a_viewer())
    numbers = [tables.add_record(key, profile=told) for key in (WEB, BILLS)]
    stranger = tables.add_record(OTHER, profile=None)
    tables.add_event(stranger, 99, at=T0)
    for number in range(9):  # three an instant, on both records
        tables.add_event(numbers[number % 2], number, at=T0 + number // 3)
    seen: list[str] = []
    query = "?limit=2"
    while True:
        body = (await client.get(f"/v1/profiles/{told}/timeline{query}")).json()
        seen += [each["message_id"] for each in body["events"]]
        if body["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={body['next_cursor']}"
    assert seen == [f"m-{number}" for number in range(8, -1, -1)]


async def test_an_account_and_the_people_of_its_members(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    first, second = (a_profile(records=[key], confidence=0.9) for key in (WEB, OTHER))
    name = account_name(AccountType.ORGANISATION, "main", "acme")
    said = AccountSaid(roles={"user": Seen(first=T0, last=T0)})
    held = AccountSaid(roles={}, invoiced={"GBP": "12.5"})
    for profile, key in ((first, WEB), (second, OTHER), (second, BILLS)):
        number = tables.add_record(key, profile=profile.id)
        inside = key != BILLS
        state = RecordState(
            events=1, accounts={name: said} if inside else {"billing\x1f\x1f1": held}
        )
        tables.connection.execute(
            "UPDATE record SET state = %s, features = %s WHERE id = %s",
            (encode_state(state), b"\x80", number),
        )
        if inside:
            tables.connection.execute(
                "INSERT INTO account_membership VALUES (%s, %s, 'user')",
                (account_id_of(name), number),
            )
    tables.add_profile(first)
    tables.add_profile(second)
    body = (await client.get(f"/v1/accounts/{account_id_of(name)}")).json()
    AccountAnswer.model_validate(body)
    assert {m["profile_id"]: m["identity_confidence"] for m in body["members"]} == {
        first.id: 0.9,
        second.id: 0.9,
    }
    assert body["value"]["invoiced"] == {"GBP": "12.5"}
    mine = (await client.get(f"/v1/profiles/{first.id}/accounts")).json()
    assert [each["account_id"] for each in mine["accounts"]] == [account_id_of(name)]


async def test_segments_and_their_members(tables: Tables, client: httpx2.AsyncClient) -> None:
    ids = sorted(profile_id_of(RecordKey("web", "user_id", str(n))) for n in range(5))
    tables.add_segment("tv", *ids, left=ids[2])
    tables.add_segment("empty")
    listed = (await client.get("/v1/segments")).json()["segments"]
    assert [(each["id"], each["member_count"]) for each in listed] == [("empty", 0), ("tv", 4)]
    first = (await client.get("/v1/segments/tv/members?limit=3")).json()
    rest = (await client.get(f"/v1/segments/tv/members?cursor={first['next_cursor']}")).json()
    members = [each["profile_id"] for each in first["members"] + rest["members"]]
    assert members == [each for each in ids if each != ids[2]]
    assert rest["next_cursor"] is None


async def test_a_decision_is_answered_and_logged(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    told = tables.add_profile(a_viewer())
    tables.add_record(WEB, profile=told, email="ann@example.org")
    ask = {
        "who": "email:ann@example.org",
        "purpose": "marketing",
        "channel": "web",
        "offer": {
            "product": "TV Basic",
            "price": 30,
            "currency": "GBP",
            "line_of_business": "tv",
        },
    }
    body = (await client.post("/v1/decisions", json=ask)).json()
    DecisionAnswer.model_validate(body)
    assert (body["decision"], body["reasons"][0]["code"]) == ("suppress", "already_held")
    assert (body["offered_price"], body["held_price"]) == ("30", "45")
    row = tables.connection.execute("SELECT id, profile, request, answer FROM decision").fetchone()
    assert row is not None
    assert (str(row[0]), str(row[1])) == (body["decision_id"], told)
    assert row[3]["reasons"] == body["reasons"]
    assert "ann@" not in str(row[2:])


async def test_readiness_follows_the_database(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody@127.0.0.1:1/none", "postgresql:///none?host=/nowhere&user=nobody"],
    ids=["no server", "no socket"],
)
async def test_a_database_that_is_not_there_is_503(url: str) -> None:
    pool = AsyncPool(url)
    app = create_app(
        ProfileApiSettings.model_validate({"key_pepper": PEPPER}),
        SqlReads(pool),
        SqlDecisionLog(pool),
        ManualClock(T0),
        random=bytes,
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://plait.example.org"
    ) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        headers = {"Authorization": f"Bearer plait_{'0' * 12}_{'0' * 64}"}
        assert (await client.get("/v1/segments", headers=headers)).status_code == 503


async def test_a_connection_that_died_is_replaced(
    tables: Tables, client: httpx2.AsyncClient
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    tables.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'plait profile_api' AND datname = current_database()"
    )
    statuses = [(await client.get("/readyz")).status_code for _ in range(3)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
