"""Stewards' decisions: who is one person, who is two, and what was taken back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.steward import (
    BY_CHARS_MAX,
    REASON_CHARS_MAX,
    CommandId,
    Decision,
    Verdict,
    Withdrawal,
)
from services.identity.domain.stewarding import Refused
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.ports import Steward
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.steward_responses import (
    DecisionMadeAnswer,
    StandingDecisionAnswer,
    StewardDecisionsAnswer,
    WithdrawalMadeAnswer,
)
from services.profile_api.steward_view import (
    decision_view,
    listed_view,
    read_cursor,
    refusal,
    withdrawal_view,
    write_cursor,
)

LIST_MAX = 100
_SAID = r"^[^\x00]*\S[^\x00]*$"
Who = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=700),
    Field(description="A profile id, type:value of an identifier, or a record as source/kind/key"),
]
Reason = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=REASON_CHARS_MAX, pattern=_SAID),
]
By = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=BY_CHARS_MAX, pattern=_SAID)
]
DecisionId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class StewardDecisionBody(BaseModel):
    """Without `by` the label of the key stands for who decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    left: Who
    right: Who
    reason: Reason
    by: By | None = None


class WithdrawalBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason
    by: By | None = None


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(prefix="/v1/steward/decisions", tags=["steward"])
    may_read = [Depends(RequiresScope(desk.keys, Scope.STEWARD_READ))]
    may_write = [Depends(RequiresScope(desk.keys, Scope.STEWARD_WRITE))]
    sides = answers(
        Code.UNKNOWN_PROFILE, Code.AMBIGUOUS_IDENTITY, Code.CONTRADICTS, Code.TOO_MANY_RECORDS
    )
    made = answers(200, model=DecisionMadeAnswer)
    known = answers(200, Code.UNKNOWN_DECISION, model=StandingDecisionAnswer)
    withdrawn = answers(200, Code.UNKNOWN_DECISION, model=WithdrawalMadeAnswer)

    @routes.post("", dependencies=may_write, responses=made | sides)
    async def decide_identity(request: Request, body: StewardDecisionBody) -> Response:
        """Say that two sides are one person, or two. It holds once `as_of` is reached."""
        return answer(await _decide(desk, request, body))

    @routes.get("", dependencies=may_read, responses=answers(200, model=StewardDecisionsAnswer))
    async def list_decisions(
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = LIST_MAX,
        cursor: Annotated[str | None, Query(max_length=60)] = None,
    ) -> Response:
        """Decisions, the latest first, and whether each holds."""
        return answer(await _list(desk, limit, cursor))

    @routes.get("/{decision_id}", dependencies=may_read, responses=known)
    async def read_decision(decision_id: DecisionId) -> Response:
        """One decision, and whether it holds."""
        found = await steward_of(desk).one(CommandId(decision_id))
        if found is None:
            raise ProblemError(Code.UNKNOWN_DECISION, "no decision has this id")
        return answer(listed_view(found))

    @routes.post("/{decision_id}/withdrawal", dependencies=may_write, responses=withdrawn)
    async def withdraw_decision(
        request: Request, decision_id: DecisionId, body: WithdrawalBody
    ) -> Response:
        """Take a decision back: all is as if it had never been made."""
        return answer(await _withdraw(desk, request, CommandId(decision_id), body))

    return routes


async def _decide(desk: Desk, request: Request, body: StewardDecisionBody) -> dict[str, object]:
    by = await who_decides(desk, request, body.by)
    left, right = await desk.subject(body.left), await desk.subject(body.right)
    made = await steward_of(desk).decide(
        body.verdict, left, right, at=desk.clock.now(), by=by, reason=body.reason
    )
    if isinstance(made, Refused):
        raise refusal(made)
    if not isinstance(made.command, Decision):
        raise TypeError("a decision was asked for")
    shown = decision_view(made.command)
    return {"decision": shown, "created": made.as_of is not None, "as_of": made.as_of}


async def _list(desk: Desk, limit: int, cursor: str | None) -> dict[str, object]:
    before = None if cursor is None else read_cursor(cursor)
    if cursor is not None and before is None:
        raise ProblemError(Code.INVALID_REQUEST, "the cursor is not one that was answered")
    found = await steward_of(desk).listed(before=before, decisions_max=limit + 1)
    shown = found[:limit]
    return {
        "decisions": [listed_view(each) for each in shown],
        "next_cursor": write_cursor(shown[-1].decision) if len(found) > limit else None,
    }


async def _withdraw(
    desk: Desk, request: Request, decision: CommandId, body: WithdrawalBody
) -> dict[str, object]:
    by = await who_decides(desk, request, body.by)
    made = await steward_of(desk).withdraw(decision, at=desk.clock.now(), by=by, reason=body.reason)
    if isinstance(made, Refused):
        raise refusal(made)
    if not isinstance(made.command, Withdrawal):
        raise TypeError("a withdrawal was asked for")
    return {
        "withdrawal": withdrawal_view(made.command),
        "decision_id": decision,
        "created": made.as_of is not None,
        "as_of": made.as_of,
    }


def steward_of(desk: Desk) -> Steward:
    if desk.steward is None:
        raise ProblemError(Code.UNAVAILABLE, "this process takes no decisions")
    return desk.steward


async def who_decides(desk: Desk, request: Request, by: str | None) -> str:
    """Who says so, or whose key it is."""
    key = await desk.keys.check(request.headers.get("authorization"), Scope.STEWARD_WRITE)
    return by or f"key {key.label}"
