"""GET /v1/profiles: by id, by identifier, merged, unknown, ambiguous; and what the answer holds."""

import httpx2
import pytest

from services.identity.adapters.memory.reads import MemoryReads
from services.identity.domain.identifiers import identifier_key
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SourceName, profile_id_of
from services.identity.domain.profile import Identity, Profile, ProfileField, Provenance
from services.identity.domain.reading import ProgressRow
from services.identity.domain.ruleset import encode_ruleset, parse_ruleset
from services.identity.domain.source import Source
from services.identity.wire.as_of import token_of_progress
from services.profile_api.responses import ProfileAnswer
from tests.profile_factory import SECOND, T0, a_consent, a_holding, a_profile
from tests.unit.services.profile_api.conftest import Office, problem

WEB, BILLS = RecordKey("web", "user_id", "u-1"), RecordKey("bills", "account_number", "4401")


def ann() -> Profile:
    return a_profile(
        fields={"city": "Leeds", "age": 41},
        events={"Order Completed": (2, T0, T0 + SECOND)},
        holdings=[a_holding("TV Max", line_of_business="tv", price="45.00")],
        consents=[a_consent("marketing", "email", granted=True)],
        identities=[
            Identity(
                type="email",
                value="ann@example.org",
                sources=("web",),
                first_seen=T0,
                last_seen=None,
            )
        ],
        records=(WEB, BILLS),
        confidence=0.97,
    )


async def test_a_profile_by_its_id(office: Office, client: httpx2.AsyncClient) -> None:
    told = office.add(ann(), segments=("tv",))
    response = await client.get(f"/v1/profiles/{told}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    ProfileAnswer.model_validate(body)
    assert (body["profile_id"], body["requested_id"], body["status"]) == (told, told, "current")
    assert body["identity_confidence"] == 0.97
    assert body["fields"]["city"] == {
        "value": "Leeds",
        "source": "web",
        "at": "2023-11-14T22:13:20Z",
        "rule": "latest",
        "losing": [],
    }
    assert body["holdings"][0]["price"] == "45.00"
    assert body["events"]["Order Completed"]["count"] == 2
    assert body["records"][1] == {"source": "bills", "kind": "account_number", "key": "4401"}
    assert body["segments"] == [{"id": "tv", "entered_at": "2023-11-14T22:13:20Z"}]
    assert body["identities"][0]["value"] == "ann@example.org"


async def test_values_that_lost_are_told(office: Office, client: httpx2.AsyncClient) -> None:
    lost = Provenance(value="York", source="bills", at=None)
    profile = Profile(
        id=profile_id_of(WEB),
        records=(WEB,),
        fields={
            "city": ProfileField(value="Leeds", source="web", at=T0, rule="latest", losing=[lost])
        },
    )
    body = (await client.get(f"/v1/profiles/{office.add(profile)}")).json()
    assert body["fields"]["city"]["losing"] == [{"value": "York", "source": "bills", "at": None}]


async def test_an_id_that_was_merged_answers_the_current_profile(
    office: Office, client: httpx2.AsyncClient
) -> None:
    current, old = office.add(ann()), profile_id_of(BILLS)
    office.store.told[old] = current
    body = (await client.get(f"/v1/profiles/{old.upper()}")).json()
    assert (body["profile_id"], body["requested_id"], body["status"]) == (
        current,
        old.upper(),
        "merged",
    )


async def test_a_profile_by_an_identifier_however_it_is_written(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = office.add(ann(), email="ann@example.org")
    response = await client.get("/v1/profiles/email:%20ANN@Example.org")
    assert (response.json()["profile_id"], response.json()["status"]) == (told, "current")


async def test_an_identifier_is_looked_for_in_every_workspace(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = office.add(ann())
    office.store.source_rows = [
        Source(name=SourceName(name), channel="web", workspace=space)
        for name, space in (("a", "north"), ("b", "south"))
    ]
    office.store.keys[identifier_key("user_id", "south", "u-1")] = {told}
    assert (await client.get("/v1/profiles/user_id:u-1")).json()["profile_id"] == told


async def test_unknown_ids_are_404(client: httpx2.AsyncClient) -> None:
    for who in (profile_id_of(WEB), "email:nobody@example.org", "nonsense", "shoe_size:41", "a:"):
        response = await client.get(f"/v1/profiles/{who}")
        assert (response.status_code, problem(response)) == (404, "unknown_profile"), who
        assert "nobody" not in response.text


async def test_an_undeclared_type_names_those_declared(client: httpx2.AsyncClient) -> None:
    assert "email" in (await client.get("/v1/profiles/shoe_size:41")).json()["detail"]


async def test_an_identifier_of_several_people_tells_ids_only(
    office: Office, client: httpx2.AsyncClient
) -> None:
    bob = a_profile(
        fields={"city": "Hull"}, records=[RecordKey("web", "user_id", "u-2")], confidence=0.5
    )
    ids = {
        office.add(ann(), email="family@example.org"),
        office.add(bob, email="family@example.org"),
    }
    response = await client.get("/v1/profiles/email:family@example.org")
    assert (response.status_code, problem(response)) == (300, "ambiguous_identity")
    candidates = response.json()["candidates"]
    assert {each["profile_id"] for each in candidates} == ids
    assert {each["record_count"] for each in candidates} == {1, 2}
    assert all(
        set(each) == {"profile_id", "identity_confidence", "record_count"} for each in candidates
    )
    assert "family" not in response.text
    assert "Leeds" not in response.text


async def test_candidates_are_bounded(office: Office, client: httpx2.AsyncClient) -> None:
    for number in range(25):
        office.add(
            a_profile(records=[RecordKey("web", "user_id", str(number))]), email="all@example.org"
        )
    body = (await client.get("/v1/profiles/email:all@example.org")).json()
    assert (len(body["candidates"]), body["more"]) == (20, True)


async def test_a_selection_of_sections_and_fields(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = office.add(ann())
    body = (await client.get(f"/v1/profiles/{told}?fields=city,holdings")).json()
    ProfileAnswer.model_validate(body)
    assert set(body["fields"]) == {"city"}
    assert "holdings" in body
    assert not {"identities", "consents", "events", "records", "segments"} & set(body)
    body = (await client.get(f"/v1/profiles/{told}?fields=fields")).json()
    assert set(body["fields"]) == {"city", "age"}
    assert (await client.get(f"/v1/profiles/{told}?fields=")).json()["fields"] == {}


async def test_an_answer_says_how_it_stands(office: Office, client: httpx2.AsyncClient) -> None:
    path = f"/v1/profiles/{office.add(ann())}"
    body = (await client.get(path)).json()
    assert (body["as_of"], body["lag_ms"]) == (None, 0)
    office.clock.advance(50_000)
    since = Micros(office.clock.now() - 2 * SECOND)
    office.store.progress_row = ProgressRow(as_of="channel-events:0:7", pending_since=since)
    body = (await client.get(path)).json()
    assert (body["as_of"], body["lag_ms"]) == (token_of_progress("channel-events:0:7"), 2_000)


async def test_progress_is_read_at_most_once_in_50_ms(
    office: Office, client: httpx2.AsyncClient
) -> None:
    path = f"/v1/profiles/{office.add(ann())}"
    first, second = (token_of_progress(f"channel-events:0:{n}") for n in (1, 2))
    office.store.progress_row = ProgressRow(as_of="channel-events:0:1", pending_since=None)
    assert (await client.get(path)).json()["as_of"] == first
    office.store.progress_row = ProgressRow(as_of="channel-events:0:2", pending_since=None)
    office.clock.advance(49_999)
    assert (await client.get(path)).json()["as_of"] == first
    office.clock.advance(1)
    assert (await client.get(path)).json()["as_of"] == second


async def test_values_of_every_size_can_be_answered(
    office: Office, client: httpx2.AsyncClient
) -> None:
    profile = a_profile(fields={"big": 10**30, "half": 0.5, "none": None, "yes": True})
    far = Profile(
        id=profile.id,
        records=profile.records,
        fields=profile.fields,
        first_seen=Micros(-(2**63)),
        last_seen=Micros(2**63 - 1),
    )
    response = await client.get(f"/v1/profiles/{office.add(far)}")
    assert response.status_code == 200
    assert b"1000000000000000000000000000000" in response.content
    assert response.json()["last_seen"].startswith("9999-12-31")


async def test_a_lost_store_is_503_and_says_when_to_ask_again(
    office: Office, client: httpx2.AsyncClient
) -> None:
    told = office.add(ann())
    office.store.is_down = True
    response = await client.get(f"/v1/profiles/{told}")
    assert (response.status_code, problem(response)) == (503, "unavailable")
    assert response.headers["retry-after"] == "1"


async def test_a_fault_is_500_and_tells_nothing(office: Office, client: httpx2.AsyncClient) -> None:
    class Broken(MemoryReads):
        async def profile_of(self, told: ProfileId) -> None:
            raise ValueError(f"secret of {told}")

    office.store = Broken(api_keys=office.store.api_keys)
    app = office.app()
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://plait.example.org",
        headers=client.headers,
    ) as other:
        response = await other.get(f"/v1/profiles/{profile_id_of(WEB)}")
    assert (response.status_code, problem(response)) == (500, "internal")
    assert "secret" not in response.text


USES = parse_ruleset({"merge_policy": {"uses": {"marketing": 0.98, "service": 0.5}}})


@pytest.mark.parametrize("path", ["", "/timeline", "/accounts"])
@pytest.mark.parametrize(
    ("asked", "status", "least"),
    [
        pytest.param({"use": "marketing"}, 409, 0.98, id="a-use-that-asks-more"),
        pytest.param({"use": "service"}, 200, None, id="a-use-that-asks-less"),
        pytest.param({"min_confidence": "0.99"}, 409, 0.99, id="a-number-of-ones-own"),
        pytest.param({"min_confidence": "0.97"}, 200, None, id="exactly-as-sure"),
        pytest.param(
            {"use": "service", "min_confidence": "0.99"}, 409, 0.99, id="the-more-of-both"
        ),
        pytest.param({"use": "nothing-known"}, 422, None, id="a-use-that-nobody-named"),
        pytest.param({"min_confidence": "2"}, 422, None, id="more-than-sure"),
    ],
)
async def test_a_read_is_as_sure_as_its_use_asks(
    office: Office,
    client: httpx2.AsyncClient,
    path: str,
    asked: dict[str, str],
    status: int,
    least: float | None,
) -> None:
    told = office.add(ann())
    office.store.ruleset_document = encode_ruleset(USES)
    response = await client.get(f"/v1/profiles/{told}{path}", params=asked)
    assert response.status_code == status
    if status == 409:
        body = response.json()
        assert body["code"] == "identity_confidence_below_asked"
        assert (body["profile_id"], body["identity_confidence"]) == (told, 0.97)
        assert (body["min_confidence"], body["use"]) == (least, asked.get("use"))
        assert "Leeds" not in response.text


async def test_an_identifier_with_a_slash_in_it_is_looked_for(client: httpx2.AsyncClient) -> None:
    for path in ("", "/timeline", "/accounts"):
        response = await client.get(f"/v1/profiles/account_number:4401/7729{path}")
        assert (response.status_code, problem(response)) == (404, "unknown_profile")
    response = await client.get("/v1/accounts/account_number:4401/7729")
    assert (response.status_code, problem(response)) == (404, "unknown_account")
