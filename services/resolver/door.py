"""The resolver's small HTTP door: is it alive, does it work, what does it count."""

from collections.abc import Callable

import msgspec
from fastapi import FastAPI
from starlette.responses import Response

from services.identity.adapters.prometheus import CONTENT_TYPE, CountRequests, Metrics
from services.identity.domain.errors import RetryableError

RETRY_AFTER_SECONDS = 1
_ALIVE = b'{"status":"ok"}'


def create_app(check: Callable[[], int], metrics: Metrics) -> FastAPI:
    """`check` gives the messages lost so far; raises RetryableError while nothing works."""
    app = FastAPI(
        title="plait resolver",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"operation_spans": False, "logs": False},
    )
    app.add_middleware(CountRequests, metrics=metrics, service="resolver")

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(_ALIVE, media_type="application/json")

    @app.get("/readyz")
    async def readyz() -> Response:
        try:
            lost = check()
        except RetryableError as error:
            return unavailable(str(error))
        body: dict[str, object] = {"status": "ready"}
        if lost:
            body["messages_lost"] = lost
        return Response(msgspec.json.encode(body), media_type="application/json")

    @app.get("/metrics")
    async def exposed() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return app


def unavailable(detail: str) -> Response:
    body = {
        "type": "urn:plait:problem:unavailable",
        "title": "The service does not work now",
        "status": 503,
        "code": "unavailable",
        "detail": detail,
    }
    return Response(
        msgspec.json.encode(body),
        status_code=503,
        media_type="application/problem+json",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"},
    )
