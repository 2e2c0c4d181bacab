"""Keys: every route has a scope, and nothing is answered without it."""

import httpx2
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from services.identity.domain.reading import ApiKey
from services.profile_api.auth import KEYS_CACHED_MAX, KeyRing, Scope, hash_secret, new_key
from services.profile_api.openapi import scopes
from tests.profile_factory import T0
from tests.unit.services.profile_api.conftest import PEPPER, Office, problem

OPEN = {"/healthz", "/readyz", "/docs", "/docs/static/{name}"}
BARE = {"/metrics", "/openapi.json"}  # what asks for no scope because it cannot


def test_every_route_has_a_scope_or_is_named_as_open(office: Office) -> None:
    app = office.app()
    bare = {
        each.path
        for each in app.routes
        if isinstance(each, Route) and not isinstance(each, APIRoute)
    }
    assert bare == BARE
    found = list(scopes(app))
    assert {path for path, _, scope in found if scope is None} == OPEN
    assert {scope for _, _, scope in found} - {None} == set(Scope)


async def test_no_route_answers_without_a_key_or_without_its_scope(office: Office) -> None:
    app = office.app()
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://plait.example.org"
    ) as client:
        for path, method, scope in scopes(app):
            if scope is None:
                continue
            others = [each for each in Scope if each is not scope]
            for header, expected in (
                (None, (401, "no_key")),
                ("Basic abc", (401, "unknown_key")),
                ("Bearer plait_zz_zz", (401, "unknown_key")),
                (f"Bearer plait_{'0' * 12}_{'0' * 64}", (401, "unknown_key")),
                (f"Bearer {office.key(*others)}", (403, "missing_scope")),
            ):
                headers = {} if header is None else {"Authorization": header}
                parts = {"who": "a:b", "ref": "a:b", "segment": "a", "message_id": "m-1"}
                url = path.format(**parts, decision_id="a", review_id="a")
                response = await client.request(method, url, headers=headers)
                assert (response.status_code, problem(response)) == expected, (path, header)
                if response.status_code == 401:
                    assert "Bearer" in response.headers["www-authenticate"]


async def test_a_secret_of_another_key_is_refused(office: Office) -> None:
    one, other = office.key(*Scope), office.key(*Scope)
    mixed = "_".join([*one.split("_")[:2], other.split("_")[2]])
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=office.app()), base_url="http://plait.example.org"
    ) as client:
        for key, status in ((one, 200), (mixed, 401), (other, 200)):
            headers = {"Authorization": f"bearer {key}"}
            assert (await client.get("/v1/segments", headers=headers)).status_code == status


def test_the_stored_key_does_not_hold_the_secret() -> None:
    made = new_key(
        random=lambda count: b"\x07" * count,
        pepper=b"p" * 16,
        scopes=[Scope.PROFILES_READ],
        label="shop",
        at=T0,
    )
    _, prefix, secret = made.text.split("_")
    assert made.stored.prefix == prefix
    assert made.stored.scopes == {"profiles:read"}
    assert secret.encode() not in made.stored.key_hash
    assert made.stored.key_hash == hash_secret(secret, pepper=b"p" * 16)
    assert made.stored.key_hash != hash_secret(secret, pepper=b"q" * 16)


class Counting:
    """Counts how often the store is asked for a key."""

    def __init__(self, office: Office) -> None:
        self.asked = 0
        self._keys = office.store.api_keys

    async def api_key(self, prefix: str) -> ApiKey | None:
        self.asked += 1
        return self._keys.get(prefix)


async def test_a_key_is_asked_for_once_until_the_cache_ends(office: Office) -> None:
    reads = Counting(office)
    ring = KeyRing(reads, office.clock, pepper=PEPPER.encode(), cache_micros=1_000)  # type: ignore[arg-type]  # only keys are asked for
    header = f"Bearer {office.key(Scope.PROFILES_READ)}"
    for _ in range(3):
        await ring.check(header, Scope.PROFILES_READ)
    assert reads.asked == 1
    office.store.api_keys.clear()
    await ring.check(header, Scope.PROFILES_READ)
    office.clock.advance(1_000)
    with pytest.raises(Exception, match="unknown_key"):
        await ring.check(header, Scope.PROFILES_READ)


async def test_guessing_prefixes_fills_no_memory(office: Office) -> None:
    reads = Counting(office)
    ring = KeyRing(reads, office.clock, pepper=PEPPER.encode(), cache_micros=1_000)  # type: ignore[arg-type]  # only keys are asked for
    for number in range(KEYS_CACHED_MAX + 10):
        with pytest.raises(Exception, match="unknown_key"):
            await ring.check(f"Bearer plait_{number:012x}_{'0' * 64}", Scope.PROFILES_READ)
    assert len(ring._known) == KEYS_CACHED_MAX  # noqa: SLF001  # the bound has no other face
