"""POST /v1/steward/decisions and what follows from it, over a home that really resolved."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.identity.domain.ids import RecordKey, SegmentId, profile_id_of
from services.identity.domain.steward import SIDE_RECORDS_MAX
from services.identity.ports import Producer
from services.profile_api.app import create_app
from services.profile_api.auth import Scope
from services.profile_api.routes.steward_responses import (
    DecisionMadeAnswer,
    ReviewsAnswer,
    StewardDecisionsAnswer,
    WithdrawalMadeAnswer,
)
from services.profile_api.routes.values import ValueMarkedAnswer, ValueWordsAnswer
from services.resolver.steward_thread import AnsweringSteward
from services.resolver.stewarding import Stewards
from tests.factories import channel_event
from tests.resolver_home import SOURCES, Home
from tests.unit.services.profile_api.conftest import Office
from tests.unit.services.profile_api.conftest import problem as code_of

DECISIONS = "/v1/steward/decisions"
NAMES = ("ann", "bob", "cat")


class ProducerOf:
    """The home's log, as a steward's process has it."""

    def __init__(self, home: Home) -> None:
        self._producer: Producer = home.log.producer()
        self.append = self._producer.append

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def home() -> Home:
    people = [
        channel_event(
            user_id=name, message_id=name, minute=at, traits={"email": f"{name}@example.org"}
        )
        for at, name in enumerate(NAMES)
    ]
    return Home().say(*people)


@pytest.fixture
async def client(office: Office, home: Home) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened(office, home, *Scope) as client:
        yield client


def opened(office: Office, home: Home, *scopes: Scope) -> httpx2.AsyncClient:
    office.store.source_rows[:] = SOURCES
    steward = AnsweringSteward(lambda: Stewards(home.store, ProducerOf(home)))
    app = create_app(
        office.settings,
        office.store,
        office.store,
        office.clock,
        random=office.random,
        steward=steward,
    )
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://plait.example.org",
        headers={"Authorization": f"Bearer {office.key(*scopes)}"},
    )


def asked(verdict: str, left: str, right: str) -> dict[str, str]:
    return {"verdict": verdict, "left": left, "right": right, "reason": "one card", "by": "eve"}


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, code_of(response)) == (status, code)
    body: dict[str, Any] = response.json()
    return body


async def decide(
    client: httpx2.AsyncClient, home: Home, verdict: str, left: str, right: str
) -> dict[str, Any]:
    """As asked, and landed."""
    response = await client.post(DECISIONS, json=asked(verdict, left, right))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    DecisionMadeAnswer.model_validate(body)
    home.worker.run_until_caught_up()
    return body


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("web/user_id/ann", "web/user_id/cat", id="records"),
        pytest.param("email:ann@example.org", "email:cat@example.org", id="identifiers"),
        pytest.param(
            profile_id_of(RecordKey("web", "user_id", "ann")),
            profile_id_of(RecordKey("web", "user_id", "cat")),
            id="profile-ids",
        ),
    ],
)
async def test_two_sides_become_one_person_and_two_again(
    client: httpx2.AsyncClient, home: Home, left: str, right: str
) -> None:
    before = home.hash()
    made = await decide(client, home, "same", left, right)
    assert made["created"]
    assert made["decision"]["by"] == "eve"
    assert home.people() == {frozenset({"ann", "cat"}), frozenset({"bob"})}
    path = f"{DECISIONS}/{made['decision']['id']}/withdrawal"
    response = await client.post(path, json={"reason": "another card"})
    WithdrawalMadeAnswer.model_validate(response.json())
    home.worker.run_until_caught_up()
    assert home.hash() == before
    again = await client.post(path, json={"reason": "once more"})
    assert again.json()["created"] is False
    assert again.json()["withdrawal"]["reason"] == "another card"


async def test_what_contradicts_a_decision_is_refused_with_both_named(
    client: httpx2.AsyncClient, home: Home
) -> None:
    await decide(client, home, "same", "web/user_id/ann", "web/user_id/cat")
    first = await decide(client, home, "same", "web/user_id/ann", "web/user_id/cat")
    assert first["created"] is False
    ann, cat = (profile_id_of(RecordKey("web", "user_id", name)) for name in ("ann", "cat"))
    response = await client.post(DECISIONS, json=asked("different", ann, cat))
    body = problem(response, 409, "contradicts")
    assert first["decision"]["id"] in body["detail"]
    assert [each["id"] for each in body["decisions"]] == [first["decision"]["id"]]


async def test_a_chain_of_decisions_is_named_whole(client: httpx2.AsyncClient, home: Home) -> None:
    one = await decide(client, home, "same", "web/user_id/ann", "web/user_id/bob")
    other = await decide(client, home, "same", "web/user_id/bob", "web/user_id/cat")
    response = await client.post(
        DECISIONS, json=asked("different", "web/user_id/ann", "web/user_id/cat")
    )
    named = {each["id"] for each in problem(response, 409, "contradicts")["decisions"]}
    assert named == {one["decision"]["id"], other["decision"]["id"]}


@pytest.mark.parametrize(
    ("left", "status", "code"),
    [
        pytest.param("web/user_id/ann", 422, "invalid_request", id="itself"),
        pytest.param("email:ann@example.org", 422, "invalid_request", id="its-own-identifier"),
        pytest.param("web/user_id/eve", 404, "unknown_profile", id="nobody"),
        pytest.param("email:eve@example.org", 404, "unknown_profile", id="no-holder"),
        pytest.param("shoe_size:9", 404, "unknown_profile", id="no-such-type"),
        pytest.param("ann", 422, "invalid_request", id="no-name"),
    ],
)
async def test_who_cannot_be_meant_is_refused(
    client: httpx2.AsyncClient, left: str, status: int, code: str
) -> None:
    response = await client.post(DECISIONS, json=asked("same", left, "web/user_id/ann"))
    problem(response, status, code)


async def test_a_side_of_more_records_than_anyone_has_seen_is_refused(
    client: httpx2.AsyncClient, home: Home
) -> None:
    """Groups of forty share a number; every thirty-seven share another, which chains the groups."""
    crowd = [
        channel_event(
            source="app",
            record=("contact_id", str(number)),
            message_id=str(number),
            external_ids=[("crm_id", f"c{number // 40}"), ("crm_id", f"d{number // 37}")],
        )
        for number in range(SIDE_RECORDS_MAX + 1)
    ]
    home.say(*crowd)
    response = await client.post(DECISIONS, json=asked("same", "crm_id:c0", "web/user_id/ann"))
    assert "name the record" in problem(response, 422, "too_many_records")["detail"]


async def test_decisions_are_listed_the_latest_first_with_their_force(
    client: httpx2.AsyncClient, office: Office, home: Home
) -> None:
    made = []
    for name in ("bob", "cat"):
        made.append(await decide(client, home, "same", "web/user_id/ann", f"web/user_id/{name}"))
        office.clock.advance(1_000_000)
    first = (await client.get(DECISIONS, params={"limit": 1})).json()
    StewardDecisionsAnswer.model_validate(first)
    assert [each["id"] for each in first["decisions"]] == [made[1]["decision"]["id"]]
    rest = (await client.get(DECISIONS, params={"cursor": first["next_cursor"]})).json()
    (listed,) = rest["decisions"]
    assert (listed["id"], listed["force"]) == (made[0]["decision"]["id"], "applied")
    alone = await client.get(f"{DECISIONS}/{listed['id']}")
    assert alone.json() == listed
    problem(await client.get(f"{DECISIONS}/{'0' * 32}"), 404, "unknown_decision")


async def test_a_key_without_the_scope_decides_nothing(office: Office, home: Home) -> None:
    async with opened(office, home, Scope.PROFILES_READ, Scope.STEWARD_READ) as client:
        body = asked("same", "web/user_id/ann", "web/user_id/bob")
        problem(await client.post(DECISIONS, json=body), 403, "missing_scope")
        assert (await client.get(DECISIONS)).status_code == 200


async def test_the_queue_shows_what_a_word_would_change(
    client: httpx2.AsyncClient, home: Home
) -> None:
    clash = [
        channel_event(user_id=name, message_id=f"c{name}", external_ids=[("crm_id", "1")])
        for name in ("ann", "bob")
    ]
    home.say(*clash)
    listed = (await client.get("/v1/reviews", params={"kind": "identifier_demoted"})).json()
    ReviewsAnswer.model_validate(listed)
    (item,) = listed["reviews"]
    assert [each["key"] for each in item["about"]] == ["ann", "bob"]
    assert (await client.get(f"/v1/reviews/{item['id']}")).json() == item
    await decide(client, home, "different", "web/user_id/ann", "web/user_id/bob")
    problem(await client.get(f"/v1/reviews/{item['id']}"), 404, "unknown_review")
    assert (await client.get("/v1/reviews")).json() == {"reviews": [], "more": False}


VALUES = "/v1/steward/values"
SHARED = "info@example.org"


async def test_a_word_on_a_value_is_sent_once_told_and_taken_back(
    office: Office, client: httpx2.AsyncClient, home: Home
) -> None:
    body = {"value": f"email:{SHARED.upper()}", "verdict": "generic", "reason": "a shop's"}
    made = (await client.post(VALUES, json=body)).json()
    ValueMarkedAnswer.model_validate(made)
    assert made["created"]
    assert [each["verdict"] for each in made["words"]] == ["generic"]
    assert SHARED not in str(made)
    home.worker.run_until_caught_up()
    (word,) = office.store.value_word_rows = list(home.store.tables.value_words.values())
    assert (word.type, word.scope, word.value) == ("email", "*", SHARED)
    again = (await client.post(VALUES, json=body)).json()
    assert (again["created"], again["words"]) == (False, [])
    listed = (await client.get(VALUES, params={"values": "true"})).json()
    ValueWordsAnswer.model_validate(listed)
    assert [each["value"] for each in listed["words"]] == [SHARED]
    reset = (await client.post(VALUES, json=body | {"verdict": "counted"})).json()
    assert reset["created"]


@pytest.mark.parametrize(
    "value", ["shoe_size:44", "email:", "email:test@example.org", "info@example.org"]
)
async def test_what_can_be_no_value_is_refused(client: httpx2.AsyncClient, value: str) -> None:
    body = {"value": value, "verdict": "generic", "reason": "seen"}
    problem(await client.post(VALUES, json=body), 422, "invalid_request")


async def test_words_on_values_have_the_scopes_of_stewards(office: Office, home: Home) -> None:
    body = {"value": f"email:{SHARED}", "verdict": "generic", "reason": "seen"}
    async with opened(office, home, Scope.STEWARD_READ) as client:
        problem(await client.post(VALUES, json=body), 403, "missing_scope")
        problem(await client.get(VALUES, params={"values": "true"}), 403, "missing_scope")
        assert (await client.get(VALUES)).status_code == 200


async def test_a_merge_that_waits_says_what_it_would_move(office: Office) -> None:
    """Two Lees of one number, four of another, and one who carries both: the Lees would move."""
    home = Home(blast_max=1)
    segment = {"id": "lees", "name": "The Lees", "predicate": "surname = 'Lee'"}
    home.store.save_segment(SegmentId("lees"), segment)
    carried = {"a1": "1", "a2": "1", "b1": "2", "b2": "2", "b3": "2", "b4": "2"}
    home.say(
        *(
            channel_event(
                record=("contact_id", name),
                message_id=name,
                traits={"lastName": "Lee"} if each == "1" else {},
                external_ids=[("crm_id", each)],
            )
            for name, each in carried.items()
        ),
        channel_event(
            record=("contact_id", "both"),
            message_id="both",
            minute=5,
            external_ids=[("crm_id", "2"), ("crm_id", "1")],
        ),
    )
    async with opened(office, home, *Scope) as client:
        (item,) = (await client.get("/v1/reviews?kind=blast_radius")).json()["reviews"]
        one = (await client.get(f"/v1/reviews/{item['id']}")).json()
    assert one == item
    moves = item["detail"]["moves"]
    assert home.people() == {frozenset({"a1", "a2", "both"}), frozenset({"b1", "b2", "b3", "b4"})}
    assert item["about"][moves.pop("side")]["key"] == "both"
    assert moves == {"records": 3, "events": 3, "consents": 0, "holdings": 0, "segments": 1}
