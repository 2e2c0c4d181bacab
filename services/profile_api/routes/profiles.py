"""Profiles and their timelines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.profile_view import profile_answer
from services.profile_api.responses import ProfileAnswer, TimelineAnswer, answers
from services.profile_api.routes.asked import Asked, Sure
from services.profile_api.timeline_view import event_answer, read_cursor, write_cursor

Who = Annotated[
    str, Path(max_length=700, description="A profile id, or type:value as in email:ann@example.org")
]
LIMIT_MAX = 500


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/profiles",
        tags=["profiles"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.PROFILES_READ))],
    )
    lookups = answers(
        Code.UNKNOWN_PROFILE, Code.AMBIGUOUS_IDENTITY, Code.NOT_SURE_ENOUGH, Code.NOT_COVERED
    )

    @routes.get("/{who:path}/timeline", responses=answers(200, model=TimelineAnswer) | lookups)
    async def read_timeline(
        who: Who,
        asked: Asked,
        sure: Sure,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = desk.settings.page_default,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        """All events of all her records, newest first; the cursor stays good when more arrive."""
        before = None if cursor is None else read_cursor(cursor)
        if cursor is not None and before is None:
            raise ProblemError(Code.INVALID_REQUEST, "the cursor is not one that was answered")
        standing = await desk.standing.now(asked)
        view, status = await desk.one(who, sure)
        rows = await desk.reads.timeline(view.id, before=before, events_max=limit + 1)
        shown = rows[:limit]
        body: dict[str, object] = {
            "profile_id": view.id,
            "requested_id": who,
            "status": status,
            "events": [event_answer(row) for row in shown],
            "next_cursor": write_cursor(shown[-1].place) if len(rows) > limit else None,
        }
        return answer(body | standing.members())

    @routes.get("/{who:path}", responses=answers(200, model=ProfileAnswer) | lookups)
    async def read_profile(
        who: Who,
        asked: Asked,
        sure: Sure,
        fields: Annotated[
            str | None,
            Query(max_length=4_000, description="Names of sections and fields, with commas"),
        ] = None,
    ) -> Response:
        """The person behind an id or an identifier, with where every value came from."""
        standing = await desk.standing.now(asked)
        view, status = await desk.one(who, sure)
        selection = None if fields is None else frozenset(fields.split(","))
        body = profile_answer(view, requested=who, status=status, selection=selection)
        return answer(body | standing.members())

    return routes
