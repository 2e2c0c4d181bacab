"""The profile API as a FastAPI application; the command that serves it opens what it stands on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.reads import MemoryReads
from services.identity.adapters.prometheus import CountRequests, Metrics
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Clock
from services.profile_api.auth import KeyRing
from services.profile_api.body_limit import BodyLimit
from services.profile_api.desk import Desk
from services.profile_api.openapi import describe
from services.profile_api.ports import DecisionLog, Explainer, ProfileReads, Steward
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes import (
    accounts,
    decisions,
    docs,
    explain,
    generic,
    health,
    profiles,
    reviews,
    segments,
    trace,
    values,
)
from services.profile_api.routes import steward as steward_routes
from services.profile_api.settings import ProfileApiSettings
from services.profile_api.standing import StandingReader
from services.profile_api.who import People

TITLE = "plait profile API"
VERSION = "1"
DESCRIPTION = (
    "Who this is, what they have, which segments they are in, and whether this may be sent."
)
_EXPECTED = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "expected")
_CODE_OF_STATUS = {404: Code.NO_SUCH_PATH, 405: Code.METHOD_NOT_ALLOWED, 413: Code.TOO_LARGE}


def create_app(
    settings: ProfileApiSettings,
    reads: ProfileReads,
    decision_log: DecisionLog,
    clock: Clock,
    *,
    random: Callable[[int], bytes],
    metrics: Metrics | None = None,
    explainer: Explainer | None = None,
    steward: Steward | None = None,
) -> FastAPI:
    """`reads`, `explainer` and `steward` are closed at shutdown.

    `random` gives unguessable bytes, as os.urandom does. Without an explainer nothing is explained.
    """
    metrics = metrics or Metrics()
    desk = _desk(
        settings, reads, decision_log, clock, random=random, explainer=explainer, steward=steward
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await reads.close()
        if explainer is not None:
            await explainer.close()
        if steward is not None:
            await steward.close()

    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # FastAPI's own spans would carry paths and bodies: ours are TraceRequests'.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.add_middleware(BodyLimit, bytes_max=settings.body_bytes_max)
    app.add_middleware(CountRequests, metrics=metrics, service="profile_api")
    nouns = (
        accounts,
        segments,
        decisions,
        trace,
        explain,
        profiles,  # after whatever else stands below /v1/profiles/{who}: a name may hold a slash
        generic,
        steward_routes,
        values,
        reviews,
    )
    for noun in nouns:
        app.include_router(
            noun.router(desk),
            responses=answers(
                Code.NO_KEY, Code.MISSING_SCOPE, Code.INVALID_REQUEST, Code.UNAVAILABLE
            ),
        )
    app.include_router(health.router(desk))
    metrics.open_door(app)
    app.include_router(docs.router())
    _handle_errors(app, retry_after_seconds=settings.retry_after_seconds)
    app.openapi = cache(lambda: describe(app))  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _desk(  # in the order of create_app
    settings: ProfileApiSettings,
    reads: ProfileReads,
    decision_log: DecisionLog,
    clock: Clock,
    random: Callable[[int], bytes],
    explainer: Explainer | None,
    steward: Steward | None,
) -> Desk:
    return Desk(
        settings=settings,
        reads=reads,
        decisions=decision_log,
        clock=clock,
        random=random,
        keys=KeyRing(
            reads,
            clock,
            pepper=settings.key_pepper.get_secret_value().encode(),
            cache_micros=settings.key_cache_ms * 1_000,
        ),
        standing=StandingReader(reads, clock, cache_micros=settings.progress_cache_ms * 1_000),
        people=People(
            reads,
            clock,
            cache_micros=settings.sources_cache_ms * 1_000,
            candidates_max=settings.candidates_max,
        ),
        explainer=explainer,
        steward=steward,
    )


def _handle_errors(app: FastAPI, *, retry_after_seconds: int) -> None:
    async def refused(_: Request, error: Exception) -> Response:
        return error.response() if isinstance(error, ProblemError) else _internal()

    async def invalid(_: Request, error: Exception) -> Response:
        return _invalid(error) if isinstance(error, RequestValidationError) else _internal()

    async def no_answer(_: Request, error: Exception) -> Response:
        return _of_status(error) if isinstance(error, HTTPException) else _internal()

    async def unavailable(_: Request, __: Exception) -> Response:
        return ProblemError(
            Code.UNAVAILABLE,
            f"ask again after {retry_after_seconds} s",
            headers={"Retry-After": str(retry_after_seconds)},
        ).response()

    async def internal(_: Request, __: Exception) -> Response:
        return _internal()

    app.add_exception_handler(ProblemError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, no_answer)
    app.add_exception_handler(RetryableError, unavailable)
    app.add_exception_handler(Exception, internal)


def _internal() -> Response:
    return ProblemError(Code.INTERNAL, "the fault was noted; asking again may help").response()


def _of_status(error: HTTPException) -> Response:
    code = _CODE_OF_STATUS.get(error.status_code, Code.INVALID_REQUEST)
    detail = {
        Code.NO_SUCH_PATH: "GET /openapi.json lists the paths there are",
        Code.METHOD_NOT_ALLOWED: "GET /openapi.json lists the methods of each path",
        Code.TOO_LARGE: "send less",
        Code.INVALID_REQUEST: "the body must be JSON",
    }[code]
    return ProblemError(code, detail, headers=error.headers).response()


def _invalid(error: RequestValidationError) -> Response:
    """Says where and which rule, and repeats nothing of what was sent."""
    errors = []
    for each in error.errors():
        # The last part of an unknown name's place is the name itself, which a caller made up.
        is_unknown = each["type"] == "extra_forbidden"
        place = each["loc"][:-1] if is_unknown else each["loc"]
        rules = each.get("ctx") or {}
        errors.append(
            {
                "pointer": "/" + "/".join(str(part) for part in place),
                "code": each["type"],
                "expected": {name: rules[name] for name in _EXPECTED if name in rules},
            }
        )
    detail = "see `errors` for each place and what may stand there"
    return ProblemError(Code.INVALID_REQUEST, detail, members={"errors": errors}).response()


def openapi_document() -> dict[str, Any]:
    """What schemas/openapi/profile_api.v1.json holds; the routes need nothing to be described."""
    store = MemoryReads()
    settings = ProfileApiSettings.model_validate({"key_pepper": "for the description only"})
    app = create_app(settings, store, store, ManualClock(Micros(0)), random=bytes)
    return app.openapi()
