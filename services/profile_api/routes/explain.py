"""Why records stand together, worked out again from what is stored."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.explained import (
    IdentifierSubject,
    Obstacle,
    ProfileSubject,
    RecordSubject,
    Subject,
    Unexplained,
)
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.explain_view import Teller
from services.profile_api.ports import Explainer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.asked import Asked
from services.profile_api.routes.explain_responses import ExplainedAnswer, WhyNotAnswer
from services.profile_api.who import IdentifierRef, ProfileRef, RecordRef, parse_subject

Named = Annotated[
    str,
    Query(
        min_length=1,
        max_length=700,
        description="A record as source/kind/key, type:value of an identifier, or a profile id",
    ),
]
Values = Annotated[bool, Query(description="Tell values and keys; needs profiles:read, too")]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        tags=["explain"], dependencies=[Depends(RequiresScope(desk.keys, Scope.TRACE_READ))]
    )
    problems = answers(Code.UNKNOWN_PROFILE, Code.AMBIGUOUS_IDENTITY, Code.NOT_COVERED)
    joined = answers(200, Code.SEVERAL_PROFILES, model=ExplainedAnswer)

    @routes.get("/v1/explain", responses=joined | problems)
    async def explain(
        request: Request, a: Named, b: Named, asked: Asked, *, values: Values = False
    ) -> Response:
        """Why two records stand in one profile: the joins on the way from one to the other."""
        await _may_see(desk, request, values=values)
        standing = await desk.standing.now(asked)
        subjects = await _subject(desk, a), await _subject(desk, b)
        found = await _explainer(desk).explain(*subjects)
        if isinstance(found, Unexplained):
            raise _problem(found)
        return answer(Teller(show_values=values).explained(found) | standing.members())

    kept_apart = answers(200, Code.ONE_PROFILE, model=WhyNotAnswer)

    @routes.get("/v1/why-not", responses=kept_apart | problems)
    async def why_not(
        request: Request, a: Named, b: Named, asked: Asked, *, values: Values = False
    ) -> Response:
        """Why two records stand in different profiles: the first reason that held."""
        await _may_see(desk, request, values=values)
        standing = await desk.standing.now(asked)
        subjects = await _subject(desk, a), await _subject(desk, b)
        found = await _explainer(desk).why_not(*subjects)
        if isinstance(found, Unexplained):
            raise _problem(found)
        return answer(Teller(show_values=values).why_not(found) | standing.members())

    return routes


async def _may_see(desk: Desk, request: Request, *, values: bool) -> None:
    if values:
        await desk.keys.check(request.headers.get("authorization"), Scope.PROFILES_READ)


def _explainer(desk: Desk) -> Explainer:
    if desk.explainer is None:
        raise ProblemError(Code.UNAVAILABLE, "this process explains nothing")
    return desk.explainer


async def _subject(desk: Desk, text: str) -> Subject:
    named = parse_subject(text)
    match named:
        case ProfileRef(profile):
            return ProfileSubject(profile)
        case RecordRef(key):
            return RecordSubject(key)
        case IdentifierRef():
            keys = await desk.people.keys_of(named)
            if keys is None:
                raise ProblemError(Code.UNKNOWN_PROFILE, desk.unknown(None))
            return IdentifierSubject(keys)
        case None:
            raise ProblemError(
                Code.INVALID_REQUEST, "name a record as source/kind/key, type:value, or an id"
            )


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
            detail = "they are one person: GET /v1/explain says why"
            return ProblemError(Code.ONE_PROFILE, detail, members=profiles)
        case Obstacle.SEVERAL_PROFILES:
            detail = "they are not one person: GET /v1/why-not says why"
            return ProblemError(Code.SEVERAL_PROFILES, detail, members=profiles)
