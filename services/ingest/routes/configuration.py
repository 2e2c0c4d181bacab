"""What browser SDKs ask for before they send: the settings of their source."""

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.errors import RejectedError, RetryableError
from services.ingest import problems
from services.ingest.auth import write_key_of
from services.ingest.intake import Intake

_UPDATED_AT = "2026-01-01T00:00:00.000Z"  # the SDKs ask for one and do nothing with it


def router(intake: Intake) -> APIRouter:
    result = APIRouter()

    @result.get("/v1/projects/{write_key}/settings")
    async def segment(request: Request, write_key: str) -> Response:
        """analytics.js: where to send, and that its own metrics are not wanted."""
        host = request.headers.get("host", request.url.netloc)
        document = {
            "integrations": {
                "Segment.io": {
                    "apiKey": write_key,
                    "apiHost": f"{host}/v1",
                    "protocol": request.url.scheme,
                    "unbundledIntegrations": [],
                }
            },
            "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
            "metrics": {"sampleRate": 0},
        }
        return await _answer(intake, write_key, document)

    @result.get("/sourceConfig/", include_in_schema=False)
    @result.get("/sourceConfig")
    async def rudder(request: Request) -> Response:
        """RudderStack: one enabled source without destinations."""
        try:
            write_key = write_key_of(request)
        except RejectedError as error:
            return problems.refused(error)
        source: dict[str, object] = {
            "id": "plait",
            "name": "plait",
            "writeKey": write_key,
            "workspaceId": "plait",
            "enabled": True,
            "updatedAt": _UPDATED_AT,
            "config": {
                "statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}
            },
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        }
        return await _answer(intake, write_key, {"source": source, "updatedAt": _UPDATED_AT})

    return result


async def _answer(intake: Intake, write_key: str | None, document: object) -> Response:
    try:
        await intake.directory.find(write_key)
    except RejectedError as error:
        return problems.refused(error)
    except RetryableError as error:
        return problems.unavailable(
            str(error), retry_after_seconds=intake.settings.retry_after_seconds
        )
    return Response(msgspec.json.encode(document), media_type="application/json")
