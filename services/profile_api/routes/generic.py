"""Values that too many records hold to tie any of them: an office phone, a mailbox of a shop."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.reading import GenericRow
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code
from services.profile_api.responses import Answer, StandingAnswer, answers
from services.profile_api.routes.asked import Asked
from services.profile_api.times import instant

KEYS_MAX = 1_000


class GenericAnswer(Answer):
    key: str = Field(description="The key as logs and review items name it")
    type: str = Field(description="Of the identifier; `blocking` for a key of the model")
    holders: int = Field(description="Records that hold it, counted to 10,000")
    holders_max: int = Field(description="Beyond which it ties nothing")
    steward: bool = Field(description="Whether that is a steward's word, not the rules'")
    since: datetime
    value: str | None = Field(default=None, description="Only where values are asked for")


class GenericsAnswer(StandingAnswer):
    generic: list[GenericAnswer]
    more: bool = Field(description="Whether there are more than were answered")


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        tags=["explain"], dependencies=[Depends(RequiresScope(desk.keys, Scope.TRACE_READ))]
    )

    @routes.get("/v1/generic", responses=answers(200, Code.NOT_COVERED, model=GenericsAnswer))
    async def read_generic(
        request: Request,
        asked: Asked,
        limit: Annotated[int, Query(ge=1, le=KEYS_MAX)] = KEYS_MAX,
        *,
        blocking: Annotated[bool, Query(description="Keys of the model's blocking rules")] = False,
        values: Annotated[bool, Query(description="Tell values; needs profiles:read, too")] = False,
    ) -> Response:
        """Every generic value, the newest ones, most holders first."""
        if values:
            header = request.headers.get("authorization")
            await desk.keys.check(header, Scope.PROFILES_READ)
        standing = await desk.standing.now(asked)
        rules, _ = await desk.people.declared()
        rows = await desk.reads.generic_keys(of_blocking=blocking, keys_max=limit + 1)
        told = [_generic(row, rules, show_value=values) for row in rows[:limit]]
        return answer({"generic": told, "more": len(rows) > limit, **standing.members()})

    return routes


def _generic(row: GenericRow, rules: IdentityRules, *, show_value: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "key": str(row.key),
        "type": row.type or "blocking",
        "holders": row.holders,
        "holders_max": rules.holders_max(row.key),
        "steward": row.key in rules.said,
        "since": instant(row.since),
    }
    return told | {"value": row.value} if show_value else told
