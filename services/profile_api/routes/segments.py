"""Segments and who is in them now."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from services.identity.domain.ids import ProfileId, SegmentId
from services.identity.domain.reading import SegmentRow
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import MembersAnswer, SegmentAnswer, SegmentsAnswer, answers
from services.profile_api.routes.asked import Asked
from services.profile_api.times import instant
from services.profile_api.who import ProfileRef, parse_who

Id = Annotated[str, Path(max_length=64)]
LIMIT_MAX = 1_000
_SEGMENT_ID = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_SAID = ("name", "description", "predicate", "purposes", "scheme")


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/segments",
        tags=["segments"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.SEGMENTS_READ))],
    )
    unknown = answers(Code.UNKNOWN_SEGMENT, Code.NOT_COVERED)

    @routes.get("", responses=answers(200, Code.NOT_COVERED, model=SegmentsAnswer))
    async def read_segments(asked: Asked) -> Response:
        """Every segment with its definition and how many are in it now."""
        standing = await desk.standing.now(asked)
        rows = await desk.reads.segments()
        return answer({"segments": [_segment(row) for row in rows], **standing.members()})

    @routes.get("/{segment}", responses=answers(200, model=SegmentAnswer) | unknown)
    async def read_segment(segment: Id, asked: Asked) -> Response:
        standing = await desk.standing.now(asked)
        return answer(_segment(await _find(desk, segment)) | standing.members())

    @routes.get("/{segment}/members", responses=answers(200, model=MembersAnswer) | unknown)
    async def read_members(
        segment: Id,
        asked: Asked,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = desk.settings.page_default,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        """Who is in it now, by profile id; a cursor continues after the last one seen."""
        after = None if cursor is None else _after(cursor)
        standing = await desk.standing.now(asked)
        row = await _find(desk, segment)
        members = await desk.reads.members(row.id, after=after, members_max=limit + 1)
        shown = members[:limit]
        body: dict[str, object] = {
            "segment_id": row.id,
            "members": [
                {"profile_id": each.profile, "entered_at": instant(each.entered_at)}
                for each in shown
            ],
            "next_cursor": shown[-1].profile if len(members) > limit else None,
        }
        return answer(body | standing.members())

    return routes


async def _find(desk: Desk, segment: str) -> SegmentRow:
    row = None
    if _SEGMENT_ID.fullmatch(segment):
        row = await desk.reads.segment(SegmentId(segment))
    if row is None:
        raise ProblemError(Code.UNKNOWN_SEGMENT, "GET /v1/segments lists the segments there are")
    return row


def _after(cursor: str) -> ProfileId:
    who = parse_who(cursor)
    if not isinstance(who, ProfileRef):
        raise ProblemError(Code.INVALID_REQUEST, "the cursor is not one that was answered")
    return who.id


def _segment(row: SegmentRow) -> dict[str, object]:
    return {
        "id": row.id,
        **{name: row.document.get(name) for name in _SAID},
        "version": row.version,
        "changed_at": instant(row.changed_at),
        "member_count": row.member_count,
    }
