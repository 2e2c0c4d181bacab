"""Why records stand together, worked out again from what is stored."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.explained import (
    Obstacle,
    Unexplained,
)
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.explain_view import Teller
from services.profile_api.pictures.pages import (
    picture_of_explained,
    picture_of_how,
    picture_of_why_not,
)
from services.profile_api.pictures.svg import MEDIA_TYPE
from services.profile_api.ports import Explainer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.asked import Asked
from services.profile_api.routes.explain_responses import ExplainedAnswer, HowAnswer, WhyNotAnswer

Found = TypeVar("Found")

_PICTURE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
Named = Annotated[
    str,
    Query(
        min_length=1,
        max_length=700,
        description="A record as source/kind/key, type:value of an identifier, or a profile id",
    ),
]
OfProfile = Annotated[
    str, Path(max_length=700, description="A profile id, type:value, or a record: source/kind/key")
]
Values = Annotated[bool, Query(description="Tell values and keys; needs profiles:read, too")]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        tags=["explain"], dependencies=[Depends(RequiresScope(desk.keys, Scope.TRACE_READ))]
    )
    problems = answers(Code.UNKNOWN_PROFILE, Code.AMBIGUOUS_IDENTITY, Code.NOT_COVERED)
    joined = _or_picture(answers(200, Code.SEVERAL_PROFILES, model=ExplainedAnswer))

    @routes.get("/v1/explain", responses=joined | problems)
    async def explain(
        request: Request, a: Named, b: Named, asked: Asked, *, values: Values = False
    ) -> Response:
        """Why two records stand in one profile: the joins on the way from one to the other."""
        await _may_see(desk, request, values=values)
        standing = await desk.standing.now(asked)
        subjects = await desk.subject(a), await desk.subject(b)
        found = _explained(await _explainer(desk).explain(*subjects))
        body = Teller(show_values=values).explained(found) | standing.members()
        return _told(request, body, picture_of_explained)

    kept_apart = _or_picture(answers(200, Code.ONE_PROFILE, model=WhyNotAnswer))

    @routes.get("/v1/why-not", responses=kept_apart | problems)
    async def why_not(
        request: Request, a: Named, b: Named, asked: Asked, *, values: Values = False
    ) -> Response:
        """Why two records stand in different profiles: the first reason that held."""
        await _may_see(desk, request, values=values)
        standing = await desk.standing.now(asked)
        subjects = await desk.subject(a), await desk.subject(b)
        found = _explained(await _explainer(desk).why_not(*subjects))
        body = Teller(show_values=values).why_not(found) | standing.members()
        return _told(request, body, picture_of_why_not)

    put_together = _or_picture(answers(200, model=HowAnswer))

    @routes.get("/v1/profiles/{who:path}/how", responses=put_together | problems)
    async def how(
        request: Request, who: OfProfile, asked: Asked, *, values: Values = False
    ) -> Response:
        """How a profile came to be: its units, and every join in order with its evidence."""
        await _may_see(desk, request, values=values)
        standing = await desk.standing.now(asked)
        found = _explained(await _explainer(desk).how(await desk.subject(who)))
        body = Teller(show_values=values).how(found) | standing.members()
        return _told(request, body, picture_of_how)

    return routes


def _told(
    request: Request, body: dict[str, object], draw: Callable[[dict[str, object]], str]
) -> Response:
    """As a picture where one is asked for."""
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        return answer(body)
    return Response(draw(body), media_type=MEDIA_TYPE, headers=_PICTURE_HEADERS)


def _or_picture(responses: dict[int | str, Any]) -> dict[int | str, Any]:
    """The same description, with what `Accept: image/svg+xml` brings."""
    told = {**responses[200], "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
    return {**responses, 200: told}


async def _may_see(desk: Desk, request: Request, *, values: bool) -> None:
    if values:
        await desk.keys.check(request.headers.get("authorization"), Scope.PROFILES_READ)


def _explainer(desk: Desk) -> Explainer:
    if desk.explainer is None:
        raise ProblemError(Code.UNAVAILABLE, "this process explains nothing")
    return desk.explainer


def _explained(found: Found | Unexplained) -> Found:
    """What was found. Raises ProblemError where there is nothing to tell, and says why."""
    if isinstance(found, Unexplained):
        raise _problem(found)
    return found


def _problem(found: Unexplained) -> ProblemError:
    profiles = {"profiles": list(found.profiles)}
    which = "" if found.side is None else f" of `{'ab'[found.side]}`"
    match found.obstacle:
        case Obstacle.UNKNOWN:
            return ProblemError(Code.UNKNOWN_PROFILE, f"no record is known by the name{which}")
        case Obstacle.AMBIGUOUS:
            detail = f"several profiles hold the identifier{which}: name one of their ids"
            return ProblemError(Code.AMBIGUOUS_IDENTITY, detail, members=profiles)
        case Obstacle.ONE_RECORD:
            return ProblemError(Code.ONE_PROFILE, "both names are of one record", members=profiles)
        case Obstacle.ONE_PROFILE:
            detail = "they are one person: `explain` says why"
            return ProblemError(Code.ONE_PROFILE, detail, members=profiles)
        case Obstacle.SEVERAL_PROFILES:
            detail = "they are not one person: `why-not` says why"
            return ProblemError(Code.SEVERAL_PROFILES, detail, members=profiles)
