"""What every path shares: problems in form, health, a description, and a page for it."""

import re

import httpx2
import msgspec

from services.profile_api.app import openapi_document
from services.profile_api.problems import STATUS_OF, TITLE_OF, Code
from services.profile_api.responses import Problem
from services.profile_api.routes.docs import STATIC
from tests.unit.services.profile_api.conftest import Office, problem


def test_every_code_has_a_status_and_a_title() -> None:
    assert set(STATUS_OF) == set(TITLE_OF) == set(Code)


async def test_unknown_paths_and_methods_are_problems(client: httpx2.AsyncClient) -> None:
    for method, path, expected in (
        ("GET", "/nothing", (404, "no_such_path")),
        ("GET", "/v1/segments/a/b/", (404, "no_such_path")),
        ("DELETE", "/v1/segments", (405, "method_not_allowed")),
        ("GET", "/docs/static/nothing", (404, "no_such_path")),
        ("GET", "/docs/static/..%2Fapp.py", (404, "no_such_path")),
    ):
        response = await client.request(method, path)
        assert (response.status_code, problem(response)) == expected, path
        Problem.model_validate(response.json())


async def test_health_needs_no_key_and_readiness_needs_the_store(
    office: Office, client: httpx2.AsyncClient
) -> None:
    client.headers.pop("authorization")
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).status_code == 200
    office.store.is_down = True
    assert (await client.get("/healthz")).status_code == 200
    response = await client.get("/readyz")
    assert (response.status_code, problem(response)) == (503, "unavailable")


async def test_the_page_asks_nothing_of_anyone_else(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for found in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert found.startswith(("/", "data:")), found
        if found.startswith("/"):
            assert (await client.get(found)).status_code == 200, found
    assert "http" not in (STATIC / "docs.js").read_text()


async def test_the_description_names_scopes_and_problems(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document == msgspec.json.decode(msgspec.json.encode(openapi_document()))
    operation = document["paths"]["/v1/decisions"]["post"]
    assert operation["security"] == [{"apiKey": []}]
    assert operation["x-required-scope"] == "decisions:write"
    assert set(operation["responses"]) >= {"200", "401", "403", "422", "503"}
    lookups = document["paths"]["/v1/profiles/{who}"]["get"]["responses"]
    assert {"300", "404"} <= set(lookups)
    text = msgspec.json.encode(document).decode()
    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in document["components"]["schemas"], name
