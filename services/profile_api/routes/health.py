"""Whether the process lives, and whether it can answer. Neither needs a key."""

from fastapi import APIRouter
from starlette.responses import Response

from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code
from services.profile_api.responses import answers


def router(desk: Desk) -> APIRouter:
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

    return routes
