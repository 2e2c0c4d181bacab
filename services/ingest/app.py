"""The collector as a FastAPI application; the command that serves it opens what it stands on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from services.identity.adapters.prometheus import CountRequests, Metrics
from services.identity.domain.errors import RejectReason
from services.identity.ports import Clock, Producer
from services.ingest import problems
from services.ingest.appender import Appender
from services.ingest.auth import SourceDirectory
from services.ingest.formats import contracts
from services.ingest.intake import Intake
from services.ingest.log_check import Ask, LogCheck
from services.ingest.metrics import IngestMetrics
from services.ingest.ports import Sources
from services.ingest.routes import configuration, events, health
from services.ingest.settings import IngestSettings

TITLE = "plait ingest"
VERSION = "1"
ANSWERS: dict[str, Any] = {
    "Accepted": {
        "type": "object",
        "required": ["success", "accepted", "as_of"],
        "properties": {
            "success": {"const": True},
            "accepted": {"type": "integer"},
            "as_of": {
                "type": "string",
                "description": "Opaque: where these events stand in the log; as `at_least` of a"
                " read it asks for an answer that has seen them",
            },
            "rejected": {"$ref": "#/components/schemas/Rejected"},
        },
    },
    "Rejected": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["index", "code", "detail"],
            "properties": {
                "index": {"type": "integer"},
                "code": {"enum": [each.value for each in RejectReason]},
                "detail": {"type": "string"},
            },
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "message": {"type": "string"},
            "dead_lettered": {"type": "boolean"},
            "rejected": {"$ref": "#/components/schemas/Rejected"},
        },
    },
}


def create_app(
    settings: IngestSettings,
    producer: Producer,
    sources: Sources,
    clock: Clock,
    *,
    ask_log: Ask | None = None,
    metrics: IngestMetrics | None = None,
) -> FastAPI:
    """The producer stays the caller's: it is used until shutdown and not closed.

    `ask_log` is what readiness asks the log; without it, readiness says nothing of the log.
    """
    metrics = metrics or IngestMetrics(Metrics())
    intake = Intake(
        settings=settings,
        directory=SourceDirectory(
            sources, clock, refresh_micros=settings.sources_refresh_ms * 1_000
        ),
        appender=Appender(
            metrics.timed(producer),
            queue_messages_max=settings.queue_messages_max,
            queue_bytes_max=settings.queue_bytes_max,
            append_messages_max=settings.append_messages_max,
            wait_ms_max=settings.append_wait_ms_max,
            stop_ms_max=settings.stop_wait_ms_max,
        ),
        clock=clock,
        metrics=metrics,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await intake.appender.close()

    app = FastAPI(
        title=TITLE,
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.add_middleware(CountRequests, metrics=metrics.http, service="ingest")
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        max_age=86_400,
    )
    app.add_exception_handler(HTTPException, _no_such_door)
    log_check = None if ask_log is None else _log_check(settings, ask_log)
    doors = health.router(intake, log_check=log_check)
    for router in (events.router(intake), configuration.router(intake), doors):
        app.include_router(router)
    metrics.http.open_door(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _log_check(settings: IngestSettings, ask_log: Ask) -> LogCheck:
    return LogCheck(
        ask_log, cache_ms=settings.log_check_cache_ms, wait_ms_max=settings.log_check_ms_max
    )


async def _no_such_door(_: Request, error: Exception) -> Response:
    """Unknown paths and methods answer like every other refusal."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problems.no_such_door(status)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The routes, with the bodies that msgspec reads described by their own schemas."""
    document = get_openapi(title=TITLE, version=VERSION, routes=app.routes)
    document["components"] = {
        "schemas": {**contracts.components(), **ANSWERS},
        "securitySchemes": {
            "writeKey": {
                "type": "http",
                "scheme": "basic",
                "description": "The write key as user name, without a password",
            }
        },
    }
    return document
