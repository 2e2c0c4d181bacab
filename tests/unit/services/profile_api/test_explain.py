"""GET /v1/explain, /v1/why-not, /v1/profiles/.../how: over a home that really resolved.

Values are told only to whoever may read profiles.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import PairFacts, Step, StepKind
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.steward import Verdict
from services.identity.wire.commands import decide
from services.profile_api.app import create_app
from services.profile_api.auth import Scope
from services.profile_api.explain_view import MASKED, Teller
from services.profile_api.routes.explain_responses import ExplainedAnswer, HowAnswer, WhyNotAnswer
from services.resolver.explaining.answering import AnsweringExplainer
from services.resolver.explaining.component import Bounds
from services.resolver.explaining.explainer import Explainer
from services.resolver.standing import Standing
from tests.factories import channel_event
from tests.resolver_home import SOURCES, Home
from tests.unit.services.profile_api.conftest import Office, problem

ANN = {
    "firstName": "Annabel",
    "lastName": "Leeson",
    "email": "ann@example.org",
    "birthday": "1980-02-03",
    "phone": "+44 20 7946 0958",
    "postalCode": "AB1 2CD",
}

BEN = {"firstName": "Ben", "lastName": "Ray", "birthday": "1980-02-03", "email": "b@example.org"}
OTHER_BEN = {"birthday": "1955-11-30", "email": "uncle.ben@example.org", "phone": "+442079460000"}
CAT = {"firstName": "Cat", "lastName": "Stone", "email": "cat@example.org"}


def settled() -> Home:
    """Ann by two user ids and a browser, a namesake of hers, two Bens, and Cat twice in billing."""
    home = Home()
    return home.say(
        channel_event(user_id="u1", message_id="m1", traits=ANN),
        channel_event(source="bank", user_id="b7", message_id="m2", traits=ANN),
        channel_event(anonymous_id="a1", message_id="m3", kind="page"),
        channel_event(
            source="app", user_id="u1", anonymous_id="a1", message_id="m4", traits={"city": "Leeds"}
        ),
        channel_event(user_id="u2", message_id="m5", traits={**BEN, "phone": "+442079461111"}),
        channel_event(source="bank", user_id="b2", message_id="m6", traits={**BEN, **OTHER_BEN}),
        channel_event(user_id="u3", message_id="m7", traits=ANN),
        channel_event(
            source="billing", record=("account_number", "1"), message_id="m8", traits=CAT
        ),
        channel_event(
            source="billing", record=("account_number", "2"), message_id="m9", traits=CAT
        ),
    )


@pytest.fixture(scope="module")
def home() -> Home:
    return settled()


def explainer(home: Home, bounds: Bounds | None = None) -> AnsweringExplainer:
    return AnsweringExplainer(lambda: Explainer(home.store, Standing(), bounds=bounds))


def app_key(office: Office, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.key(*scopes)}"}


@pytest.fixture(scope="module")
def asked(home: Home) -> AnsweringExplainer:
    """One for all: what it compiles is kept."""
    return explainer(home)


@pytest.fixture
async def client(office: Office, asked: AnsweringExplainer) -> AsyncIterator[httpx2.AsyncClient]:
    """May do everything."""
    async with opened(office, asked) as client:
        yield client


def opened(office: Office, asked: AnsweringExplainer | None) -> httpx2.AsyncClient:
    office.store.source_rows[:] = SOURCES
    app = create_app(
        office.settings,
        office.store,
        office.store,
        office.clock,
        random=office.random,
        explainer=asked,
    )
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://plait.example.org",
        headers=app_key(office, *Scope),
    )


async def ask(client: httpx2.AsyncClient, a: str, b: str, **more: str) -> httpx2.Response:
    return await client.get("/v1/explain", params={"a": a, "b": b, **more})


async def test_two_records_are_explained_step_by_step(client: httpx2.AsyncClient) -> None:
    response = await ask(client, "web/anonymous_id/a1", "bank/user_id/b7")
    assert response.status_code == 200
    found = msgspec.json.decode(response.content)
    ExplainedAnswer.model_validate(found)
    assert [step["kind"] for step in found["path"]] == ["anonymous", "identifier", "weight"]
    assert found["path"][1]["identifier"] == {"type": "user_id", "value": MASKED, "priority": 0}
    decision = found["path"][2]["decision"]
    assert sum(row["units"] for row in decision["rows"]) == decision["units"]
    assert decision["rows"][-1]["kind"] == "cluster_step"
    assert sum(row["units"] for row in found["path"][2]["link"]["rows"]) == decision["units"]
    assert (found["settled"], found["bounded"]) == (True, None)


async def test_nothing_that_names_a_person_is_told_unless_asked_for(
    client: httpx2.AsyncClient,
) -> None:
    names = "web/user_id/u1", "bank/user_id/b7"
    masked, told = await ask(client, *names), await ask(client, *names, values="true")
    for value in ("annabel", "leeson", "ann@example.org", "1980-02-03", '"u1"', '"b7"'):
        assert value not in masked.text.lower()
        assert value in told.text.lower()


async def test_values_need_the_right_to_read_profiles(
    office: Office, client: httpx2.AsyncClient
) -> None:
    names = {"a": "web/user_id/u1", "b": "bank/user_id/b7"}
    tracing = app_key(office, Scope.TRACE_READ)
    plain = await client.get("/v1/explain", params=names, headers=tracing)
    assert plain.status_code == 200
    told = await client.get("/v1/explain", params={**names, "values": "true"}, headers=tracing)
    assert problem(told) == "missing_scope"
    reading = app_key(office, Scope.PROFILES_READ)
    assert problem(await client.get("/v1/explain", params=names, headers=reading)) == (
        "missing_scope"
    )


def profile_of(home: Home, key: RecordKey) -> ProfileId:
    found = home.profile_of(key)
    assert found is not None
    return found


async def test_ids_and_identifiers_name_records_too(home: Home, client: httpx2.AsyncClient) -> None:
    response = await ask(client, "user_id:b7", "web/user_id/u1")
    assert response.status_code == 200
    told = profile_of(home, RecordKey("web", "user_id", "u1"))
    assert (await ask(client, told, "bank/user_id/b7")).status_code == 200


@pytest.mark.parametrize(
    ("a", "b", "code"),
    [
        pytest.param("web/user_id/u1", "web/user_id/u1", "one_profile", id="one-record"),
        pytest.param("web/user_id/u1", "web/user_id/u2", "several_profiles", id="two-people"),
        pytest.param("web/user_id/u1", "web/user_id/nobody", "unknown_profile", id="nobody"),
        pytest.param("shoe:42", "web/user_id/u1", "unknown_profile", id="no-such-type"),
        pytest.param("user_id:nobody", "web/user_id/u1", "unknown_profile", id="no-holder"),
        pytest.param("whatever", "web/user_id/u1", "invalid_request", id="no-name"),
    ],
)
async def test_what_cannot_be_explained_says_why(
    client: httpx2.AsyncClient, a: str, b: str, code: str
) -> None:
    assert problem(await ask(client, a, b)) == code


APART = [
    pytest.param("web/user_id/u1", "billing/account_number/1", "never_candidates", id="no-key"),
    pytest.param("billing/account_number/1", "billing/account_number/2", "vetoed", id="one-source"),
    pytest.param("web/user_id/u1", "web/user_id/u3", "vetoed", id="two-user-ids"),
    pytest.param("web/user_id/u2", "bank/user_id/b2", "scored_too_low", id="a-name-in-common"),
]


@pytest.mark.parametrize(("a", "b", "reason"), APART)
async def test_two_people_are_apart_for_a_reason(
    client: httpx2.AsyncClient, a: str, b: str, reason: str
) -> None:
    response = await client.get("/v1/why-not", params={"a": a, "b": b})
    assert response.status_code == 200
    found = msgspec.json.decode(response.content)
    WhyNotAnswer.model_validate(found)
    assert (found["reason"], found["settled"]) == (reason, True)
    weight = found["pair"]["weight"]
    assert sum(row["units"] for row in weight["rows"]) == weight["units"]


async def test_why_not_names_the_keys_that_differ(client: httpx2.AsyncClient) -> None:
    names = {"a": "web/user_id/u1", "b": "billing/account_number/1"}
    found = (await client.get("/v1/why-not", params=names)).json()
    outcomes = {(key["kind"], key["name"]): key["outcome"] for key in found["pair"]["keys"]}
    assert outcomes["identifier", "email"] == "different"
    assert outcomes["blocking", "surname + date of birth"] == "missing"
    assert "shared" not in outcomes.values()


async def test_of_two_people_the_records_most_alike_are_compared(
    home: Home, client: httpx2.AsyncClient
) -> None:
    ann = profile_of(home, RecordKey("web", "user_id", "u1"))
    other = profile_of(home, RecordKey("web", "user_id", "u3"))
    found = (await client.get("/v1/why-not", params={"a": ann, "b": other})).json()
    assert (found["left"]["source"], found["left"]["kind"]) == ("bank", "user_id")
    assert found["reason"] == "vetoed"


async def test_one_person_is_not_apart(client: httpx2.AsyncClient) -> None:
    names = {"a": "web/user_id/u1", "b": "bank/user_id/b7"}
    assert problem(await client.get("/v1/why-not", params=names)) == "one_profile"


async def test_a_component_beyond_the_bounds_says_so(office: Office, home: Home) -> None:
    asked = explainer(home, Bounds(records_max=2))
    async with opened(office, asked) as client:
        response = await ask(client, "web/user_id/u1", "bank/user_id/b7")
    found = msgspec.json.decode(response.content)
    ExplainedAnswer.model_validate(found)
    assert (found["path"], found["bounded"]["records_max"]) == ([], 2)
    assert found["direct"]["weight"]["rows"]
    await asked.close()


async def test_without_an_explainer_nothing_is_explained(office: Office) -> None:
    async with opened(office, None) as client:
        assert problem(await ask(client, "web/user_id/u1", "bank/user_id/b7")) == "unavailable"


async def test_a_profile_is_told_join_by_join(home: Home, client: httpx2.AsyncClient) -> None:
    told = profile_of(home, RecordKey("web", "user_id", "u1"))
    for who in (told, "user_id:b7", "web/user_id/u1"):
        response = await client.get(f"/v1/profiles/{who}/how")
        assert response.status_code == 200
        found = response.json()
        HowAnswer.model_validate(found)
        assert found["profile_id"] == told
        assert [step["kind"] for step in found["steps"]] == ["identifier", "weight", "anonymous"]
        assert [len(unit["records"]) for unit in found["units"]] == [2, 1]
    apart = [each for each in found["fragile"] if each["without_identifier"]]
    assert {each["without_identifier"]["type"] for each in apart} == {"user_id", "anonymous_id"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/explain?a=web/user_id/u1&b=bank/user_id/b7",
        "/v1/why-not?a=web/user_id/u1&b=web/user_id/u3",
        "/v1/profiles/user_id:b7/how",
    ],
)
async def test_every_answer_is_a_picture_where_one_is_asked_for(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.get(path, headers={"Accept": "image/svg+xml"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.text.startswith("<svg ")
    assert MASKED in response.text
    assert "b7" not in response.text


async def test_a_steward_s_word_is_told_where_it_joined_and_where_it_parts(
    office: Office,
) -> None:
    names = ("ann", "bob", "cat", "dan")
    ann, bob, cat, dan = (RecordKey("web", "user_id", name) for name in names)
    same = decide(Verdict.SAME, [ann], [bob], decided_at=Micros(1), by="s", reason="seen")
    apart = decide(Verdict.DIFFERENT, [bob], [cat], decided_at=Micros(2), by="s", reason="seen")
    people = [channel_event(user_id=key.key, message_id=key.key) for key in (ann, bob, cat, dan)]
    asked = explainer(Home().say(*people).decide(same, apart))
    async with opened(office, asked) as client:
        together = (await ask(client, "web/user_id/ann", "web/user_id/bob")).json()
        parted, strangers = [
            (await client.get("/v1/why-not", params={"a": "web/user_id/ann", "b": other})).json()
            for other in ("web/user_id/cat", "web/user_id/dan")
        ]
    await asked.close()
    assert [(s["kind"], s["steward_decision"]) for s in together["path"]] == [("steward", same.id)]
    WhyNotAnswer.model_validate(parted)
    assert strangers["reason"] == "never_candidates"
    assert (parted["reason"], parted["facts"]) == ("separated_by_steward", {"decision": apart.id})


def test_of_a_large_group_some_are_told_and_all_are_counted() -> None:
    keys = [RecordKey("web", "user_id", str(number)) for number in range(150)]
    pair = PairFacts(
        left=keys[0], right=keys[1], identifiers=(), keys=(), waterfall=Waterfall(rows=(), total=0)
    )
    step = Step(number=1, kind=StepKind.STEWARD, left=keys[:1], right=keys[1:], pair=pair)
    told: Any = Teller(show_values=False).step(step)
    assert (len(told["left"]), told["left_records"]) == (1, 1)
    assert (len(told["right"]), told["right_records"]) == (100, 149)
