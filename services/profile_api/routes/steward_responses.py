"""The shapes of what is answered to stewards."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from services.profile_api.responses import Answer

RecordName = dict[str, str]


class WithdrawnAnswer(Answer):
    id: str
    at: datetime
    by: str
    reason: str


class StewardDecisionAnswer(Answer):
    id: str
    verdict: Literal["same", "different"]
    left: list[RecordName] = Field(description="The records of one side, as the steward saw them")
    right: list[RecordName]
    decided_at: datetime
    by: str
    reason: str


class StandingDecisionAnswer(StewardDecisionAnswer):
    force: Literal["applied", "void", "dormant", "withdrawn"] = Field(
        description="void: it contradicts later ones; dormant: of one side no record is there"
    )
    against: list[str] = Field(description="The decisions that a void one contradicts")
    withdrawal: WithdrawnAnswer | None


class DecisionMadeAnswer(Answer):
    decision: StewardDecisionAnswer
    created: bool = Field(description="False where it stood already: then nothing was sent")
    as_of: str | None = Field(description="An answer that has seen this much knows the decision")


class WithdrawalMadeAnswer(Answer):
    withdrawal: WithdrawnAnswer
    decision_id: str
    created: bool
    as_of: str | None


class StewardDecisionsAnswer(Answer):
    decisions: list[StandingDecisionAnswer]
    next_cursor: str | None


class ReviewAnswer(Answer):
    id: str
    kind: str = Field(
        description="identifier_demoted, blast_radius, merge_policy, component_cut,"
        " identifier_chain, component_set_aside, decision_void, generic_key, messages_lost"
    )
    expected_effect: float = Field(
        description="The probability that a word changes who is with whom, times the records moved"
    )
    about: list[RecordName] = Field(description="Records to look at: the first of each side")
    detail: dict[str, Any]


class ReviewsAnswer(Answer):
    reviews: list[ReviewAnswer]
    more: bool
