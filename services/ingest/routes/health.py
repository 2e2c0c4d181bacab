"""Is the process alive, and can it serve."""

from fastapi import APIRouter
from starlette.responses import Response

from services.identity.domain.errors import RetryableError
from services.ingest import problems
from services.ingest.intake import Intake

_ALIVE = b'{"status":"ok"}'


def router(intake: Intake) -> APIRouter:
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
        except RetryableError as error:
            return problems.unavailable(
                str(error), retry_after_seconds=intake.settings.retry_after_seconds
            )
        return Response(_ALIVE, media_type="application/json")

    return result
