"""The resolver's small HTTP door: is it alive, does it work, what does it count."""

from collections.abc import Callable

import msgspec
from fastapi import FastAPI
from starlette.responses import Response

from services.identity.adapters.prometheus import CountRequests, Metrics
from services.identity.domain.errors import RetryableError
from services.identity.wire.problem import (
    ALIVE,
    JSON,
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    problem,
    retry_after,
)


def create_app(check: Callable[[], int], metrics: Metrics) -> FastAPI:
    """`check` gives the messages lost so far; raises RetryableError while nothing works."""
    app = FastAPI(
        title="plait resolver",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.add_middleware(CountRequests, metrics=metrics, service="resolver")

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(ALIVE, media_type=JSON)

    @app.get("/readyz")
    async def readyz() -> Response:
        try:
            lost = check()
        except RetryableError as error:
            return unavailable(str(error))
        body: dict[str, object] = {"status": "ready"}
        if lost:
            body["messages_lost"] = lost
        return Response(msgspec.json.encode(body), media_type=JSON)

    metrics.open_door(app)
    return app


def unavailable(detail: str) -> Response:
    return Response(
        problem(UNAVAILABLE, status=503, title="The service does not work now", detail=detail),
        status_code=503,
        media_type=MEDIA_TYPE,
        headers=retry_after(RETRY_AFTER_SECONDS) | {"Cache-Control": "no-store"},
    )
