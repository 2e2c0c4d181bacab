"""`?at_least=`: an answer that has seen what the caller wrote, or 412."""

import asyncio

import httpx2
import pytest

from services.identity.domain.ids import Micros
from services.identity.domain.reading import ProgressRow
from services.identity.ports import Partition, Position
from services.identity.wire.as_of import is_at_least, token
from services.profile_api.responses import Problem
from services.profile_api.standing import CLOCKS_APART_MAX
from tests.profile_factory import a_profile
from tests.unit.services.profile_api.conftest import Office, problem

WRITTEN = token([Position(Partition("channel-events", 0), 7)])


def resolved_to(offset: int, *, pending_since: Micros | None = None) -> ProgressRow:
    return ProgressRow(as_of=f"channel-events:0:{offset}", pending_since=pending_since)


async def ask(
    client: httpx2.AsyncClient, path: str = "/v1/segments", *, wait_ms: int = 0
) -> httpx2.Response:
    return await client.get(path, params={"at_least": WRITTEN, "wait_ms": wait_ms})


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/profiles/{profile}", "/v1/segments/tv"])
async def test_what_was_seen_is_answered_and_what_was_not_is_412(
    office: Office, client: httpx2.AsyncClient, path: str
) -> None:
    path = path.format(profile=office.add(a_profile(), segments=("tv",)))
    response = await ask(client, path)
    assert (response.status_code, problem(response)) == (412, "not_covered")
    assert response.headers["retry-after"] == "1"
    Problem.model_validate(response.json())
    office.store.progress_row = resolved_to(6)
    office.clock.advance(50_000)
    assert (await ask(client, path)).status_code == 412
    office.store.progress_row = resolved_to(7)
    office.clock.advance(50_000)
    response = await ask(client, path)
    assert response.status_code == 200
    assert is_at_least(response.json()["as_of"], WRITTEN)


async def test_landed_but_not_resolved_is_not_covered(
    office: Office, client: httpx2.AsyncClient
) -> None:
    now = office.clock.now()
    office.store.progress_row = resolved_to(9, pending_since=Micros(now - 1))
    assert (await ask(client)).status_code == 412
    office.clock.advance(50_000)
    now = office.clock.now()
    office.store.progress_row = resolved_to(9, pending_since=Micros(now + CLOCKS_APART_MAX + 1))
    assert (await ask(client)).status_code == 200


async def test_it_waits_for_the_resolver(office: Office, client: httpx2.AsyncClient) -> None:
    async def resolve() -> None:
        await asyncio.sleep(0.03)
        office.store.progress_row = resolved_to(7)
        office.clock.advance(50_000)

    resolving = asyncio.create_task(resolve())
    assert (await ask(client, wait_ms=2_000)).status_code == 200
    await resolving


async def test_a_decision_can_ask_for_it_too(office: Office, client: httpx2.AsyncClient) -> None:
    body = {"who": office.add(a_profile()), "purpose": "service", "channel": "web"}
    params: dict[str, str | int] = {"at_least": WRITTEN, "wait_ms": 0}
    response = await client.post("/v1/decisions", json=body, params=params)
    assert (response.status_code, office.store.entries) == (412, [])


async def test_what_is_no_token_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/segments?at_least=yesterday")
    assert (response.status_code, problem(response)) == (422, "invalid_request")
