"""Is the process alive, and can it serve."""

from fastapi import APIRouter
from starlette.responses import Response

from services.identity.domain.errors import RetryableError
from services.identity.wire.problem import ALIVE, JSON
from services.ingest import problems
from services.ingest.intake import Intake
from services.ingest.log_check import LogCheck


def router(intake: Intake, *, log_check: LogCheck | None) -> APIRouter:
    result = APIRouter()

    @result.get("/healthz")
    async def healthz() -> Response:
        return Response(ALIVE, media_type=JSON)

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
        return Response(ALIVE, media_type=JSON)

    return result
