"""Questions to the profile API, answered in this process: the same answers as over HTTP."""

import asyncio
from typing import Any

from services.cli.home import Home
from services.cli.keys import API_KEY


def ask(home: Home, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """The status and the JSON answer. Works for a home in use and for a home at rest."""
    home.ensure_api_key()
    return asyncio.run(_ask(home, method, path, body))


async def _ask(home: Home, method: str, path: str, body: object) -> tuple[int, dict[str, Any]]:
    import httpx2

    from services.cli.apps import api_app

    app = api_app(home)
    key = home.keys()[API_KEY]
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://plait.invalid"
        ) as client,
    ):
        headers = {"Authorization": f"Bearer {key}"}
        response = await client.request(method, path, json=body, headers=headers)
        return response.status_code, response.json()
