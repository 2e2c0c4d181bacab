"""Is the process alive, can it serve, and what does it count."""

from fastapi import APIRouter
from starlette.responses import Response

from services.identity.adapters.prometheus import CONTENT_TYPE, Metrics
from services.identity.domain.errors import RetryableError
from services.ingest import problems
from services.ingest.intake import Intake
from services.ingest.log_check import LogCheck

_ALIVE = b'{"status":"ok"}'


def router(intake: Intake, *, log_check: LogCheck | None, metrics: Metrics) -> APIRouter:
    result = APIRouter()

    @result.get("/healthz")
    async def healthz() -> Response:
        return Response(_ALIVE, media_type="application/json")

    @result.get("/readyz")
    async def readyz() -> Response:
        """Ready when the sources were read, there is room in the queue and the log answers."""
        try:
            await intake.directory.refresh()
            intake.appender.check()
            if log_check is not None:
                await log_check.check()
        except RetryableError as error:
            return problems.unavailable(
                str(error), retry_after_seconds=intake.settings.retry_after_seconds
            )
        return Response(_ALIVE, media_type="application/json")

    @result.get("/metrics", include_in_schema=False)
    async def exposed() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return result
