"""Stewards' words on identifier values: this one ties nobody, that one does, whoever holds it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.value_word import VALUE_WORDS_MAX, ValueVerdict, ValueWord, latest
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import Answer, answers
from services.profile_api.routes.steward import By, Reason, steward_of, who_decides
from services.profile_api.steward_view import value_word_view
from services.profile_api.who import IdentifierRef, parse_who


class ValueWordBody(BaseModel):
    """`counted` takes back what was said: the number of its holders decides again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=700)] = Field(
        description="type:value as in phone:+442079460000; of an identifier type that is declared"
    )
    verdict: ValueVerdict
    reason: Reason
    by: By | None = None


class ValueWordAnswer(Answer):
    id: str
    key: str = Field(description="The key as /v1/generic names it")
    type: str
    scope: str = Field(description="The workspace in which the value counts; * is everywhere")
    verdict: ValueVerdict
    decided_at: datetime
    by: str
    reason: str
    value: str | None = Field(default=None, description="Only where values are asked for")


class ValueMarkedAnswer(Answer):
    words: list[ValueWordAnswer] = Field(description="One of each identifier that it may be")
    created: bool = Field(description="False where all was said already: then nothing was sent")
    as_of: str | None = Field(description="An answer that has seen this much knows the words")


class ValueWordsAnswer(Answer):
    words: list[ValueWordAnswer]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(prefix="/v1/steward/values", tags=["steward"])
    may_read = [Depends(RequiresScope(desk.keys, Scope.STEWARD_READ))]
    may_write = [Depends(RequiresScope(desk.keys, Scope.STEWARD_WRITE))]
    made = answers(200, model=ValueMarkedAnswer)

    @routes.post("", dependencies=may_write, responses=made)
    async def mark_value(request: Request, body: ValueWordBody) -> Response:
        """Say that a value ties nobody, or that it does, whatever the count of its holders says."""
        return answer(await _mark(desk, request, body))

    @routes.get("", dependencies=may_read, responses=answers(200, model=ValueWordsAnswer))
    async def list_value_words(
        request: Request,
        *,
        values: Annotated[bool, Query(description="Tell values; needs profiles:read, too")] = False,
    ) -> Response:
        """Every word on a value that holds."""
        if values:
            await desk.keys.check(request.headers.get("authorization"), Scope.PROFILES_READ)
        words = latest(await desk.reads.value_words())
        return answer({"words": _views(words, show_value=values)})

    return routes


async def _mark(desk: Desk, request: Request, body: ValueWordBody) -> dict[str, object]:
    by = await who_decides(desk, request, body.by)
    who = parse_who(body.value)
    found = await desk.people.identifiers_of(who) if isinstance(who, IdentifierRef) else None
    if not found:
        raise ProblemError(
            Code.INVALID_REQUEST,
            "name the value as type:value, of an identifier type that is"
            " declared; one that never ties (`blocked`) needs no word",
        )
    made = await steward_of(desk).mark(
        found, body.verdict, at=desk.clock.now(), by=by, reason=body.reason
    )
    if made is None:
        raise ProblemError(
            Code.INVALID_REQUEST, f"at most {VALUE_WORDS_MAX} values may be spoken of"
        )
    return {
        "words": _views(made.words, show_value=False),
        "created": made.as_of is not None,
        "as_of": made.as_of,
    }


def _views(words: Sequence[ValueWord], *, show_value: bool) -> list[dict[str, object]]:
    return [value_word_view(each, show_value=show_value) for each in words]
