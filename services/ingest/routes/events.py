"""The doors for events: tracking calls as the SDKs post them, and canonical channel events."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.events import EventType
from services.identity.wire.problem import MEDIA_TYPE
from services.ingest.formats import canonical, contracts, sdk
from services.ingest.formats.limits import Limits
from services.ingest.intake import Format, Intake, Parts

CALL_PATHS: dict[str, EventType] = {
    path: kind
    for kind, names in {
        EventType.IDENTIFY: ("identify", "i"),
        EventType.TRACK: ("track", "t"),
        EventType.PAGE: ("page", "p"),
        EventType.SCREEN: ("screen", "s"),
        EventType.GROUP: ("group", "g"),
        EventType.ALIAS: ("alias", "a"),
    }.items()
    for path in names
}
BATCH_PATHS = ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")
CHANNEL_PATHS = ("/v1/call-centre/contacts", "/v1/billing/events")

Endpoint = Callable[[Request], Awaitable[Response]]


def formats(limits: Limits) -> dict[str, Format]:
    """How the requests of each door are read."""
    result = {
        f"/v1/{name}": _single(partial(sdk.accept_call, kind=kind, limits=limits))
        for name, kind in CALL_PATHS.items()
    }
    batch = Format(
        split=partial(_split_batch, limits=limits),
        accept=lambda raw, arrival: sdk.accept_call(raw, None, arrival=arrival, limits=limits),
    )
    channel = Format(
        split=partial(_split_events, limits=limits),
        accept=lambda raw, arrival: canonical.accept_channel_event(
            raw, arrival=arrival, limits=limits
        ),
    )
    return result | dict.fromkeys(BATCH_PATHS, batch) | dict.fromkeys(CHANNEL_PATHS, channel)


def router(intake: Intake) -> APIRouter:
    result = APIRouter()
    for path, format_ in formats(intake.settings.limits()).items():
        _add(result, intake, path, format_, _contracts_of(path))
    return result


def _contracts_of(path: str) -> list[str]:
    if path in BATCH_PATHS:
        return [contracts.BATCH]
    if path in CHANNEL_PATHS:
        return [contracts.EVENTS, contracts.IDENTIFY, *contracts.canonical_files()]
    return [CALL_PATHS[path.removeprefix("/v1/")].value]


def _single(call: Callable[..., Any]) -> Format:
    return Format(
        split=lambda raw: Parts(events=(raw,)),
        accept=lambda raw, arrival: call(raw, arrival=arrival),
    )


def _split_batch(raw: bytes, *, limits: Limits) -> Parts:
    batch = sdk.decode_batch(raw, limits)
    return Parts(events=batch.batch, shared=batch)


def _split_events(raw: bytes, *, limits: Limits) -> Parts:
    several = canonical.decode_events(raw, limits)
    if several is None:
        return Parts(events=(raw,))
    return Parts(events=several.events, shared=several)


def _add(router: APIRouter, intake: Intake, path: str, format_: Format, bodies: list[str]) -> None:
    """The route, and its request body in the OpenAPI document."""

    async def receive(request: Request) -> Response:
        return await intake.receive(request, format_)

    router.add_api_route(
        path,
        receive,
        methods=["POST"],
        operation_id=path.strip("/").replace("/", "_").replace("-", "_"),
        openapi_extra=_openapi(bodies),
    )


def _openapi(bodies: list[str]) -> dict[str, Any]:
    references = [{"$ref": f"#/components/schemas/{contracts.component(name)}"} for name in bodies]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    accepted = {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
    return {
        "security": [{"writeKey": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {"description": "Durable in the event log", "content": accepted},
            "400": {"description": "Cannot be accepted as it is", "content": problem},
            "401": {"description": "Unknown write key", "content": problem},
            "413": {"description": "Too large", "content": problem},
            "503": {"description": "Send again after Retry-After", "content": problem},
        },
    }
