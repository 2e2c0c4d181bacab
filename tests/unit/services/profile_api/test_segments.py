"""GET /v1/segments and who is in them."""

import httpx2

from services.identity.domain.ids import RecordKey
from services.profile_api.responses import MembersAnswer, SegmentAnswer, SegmentsAnswer
from tests.profile_factory import a_profile
from tests.unit.services.profile_api.conftest import Office, problem


async def test_segments_are_listed(office: Office, client: httpx2.AsyncClient) -> None:
    office.add_segment("tv")
    office.add_segment("leeds")
    body = (await client.get("/v1/segments")).json()
    SegmentsAnswer.model_validate(body)
    assert [each["id"] for each in body["segments"]] == ["leeds", "tv"]
    body = (await client.get("/v1/segments/tv")).json()
    SegmentAnswer.model_validate(body)
    assert body["predicate"] == "TRUE"


async def test_members_in_pages(office: Office, client: httpx2.AsyncClient) -> None:
    told = sorted(
        office.add(a_profile(records=[RecordKey("web", "user_id", str(n))]), segments=("tv",))
        for n in range(5)
    )
    seen: list[str] = []
    query = "?limit=2"
    while True:
        body = (await client.get(f"/v1/segments/tv/members{query}")).json()
        MembersAnswer.model_validate(body)
        seen += [each["profile_id"] for each in body["members"]]
        if body["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={body['next_cursor']}"
    assert seen == told


async def test_unknown_segments_are_404(client: httpx2.AsyncClient) -> None:
    for name in ("none", "%00", "A B", "x" * 60):
        for path in (f"/v1/segments/{name}", f"/v1/segments/{name}/members"):
            response = await client.get(path)
            assert (response.status_code, problem(response)) == (404, "unknown_segment"), path


async def test_a_cursor_that_was_never_answered_is_refused(
    office: Office, client: httpx2.AsyncClient
) -> None:
    office.add_segment("tv")
    response = await client.get("/v1/segments/tv/members?cursor=x")
    assert (response.status_code, problem(response)) == (422, "invalid_request")
