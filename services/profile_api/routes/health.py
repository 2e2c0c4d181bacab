"""Whether the process lives, whether it can answer, and what it counts. None needs a key."""

from fastapi import APIRouter
from starlette.responses import Response

from services.identity.adapters.prometheus import CONTENT_TYPE, Metrics
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code
from services.profile_api.responses import answers


def router(desk: Desk, metrics: Metrics) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def healthz() -> Response:
        """The process lives; it says nothing of what the process stands on."""
        return answer({"status": "ok"})

    @routes.get("/readyz", responses=answers(Code.UNAVAILABLE))
    async def readyz() -> Response:
        """The store answers and holds plait's tables; 503 otherwise."""
        await desk.reads.ping()
        return answer({"status": "ready"})

    @routes.get("/metrics", include_in_schema=False)
    async def exposed() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return routes
