"""The shapes of answers, for the OpenAPI description. Tests hold the answers themselves to them.

Answers are built as plain values and encoded once: validating what we made ourselves would cost
more than reading it from the database.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.identity.wire.problem import MEDIA_TYPE
from services.profile_api.problems import STATUS_OF, TITLE_OF, Code

Scalar = str | int | float | bool | None
Money = Annotated[str | None, Field(description="A decimal number as text")]


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StandingAnswer(Answer):
    as_of: str | None = Field(description="Opaque: up to which event the answer speaks")
    lag_ms: int = Field(description="How long the oldest event not yet in the answer has waited")


class LostValue(Answer):
    value: Scalar
    source: str
    at: datetime | None


class FieldAnswer(LostValue):
    rule: str = Field(description="By which rule this value won")
    losing: list[LostValue]


class IdentityAnswer(Answer):
    type: str
    value: str
    sources: list[str]
    first_seen: datetime | None
    last_seen: datetime | None


class HoldingAnswer(Answer):
    product: str
    line_of_business: str | None
    price: Money
    currency: str | None
    held_from: str | None
    held_to: str | None
    active: bool
    source: str
    at: datetime


class ConsentAnswer(Answer):
    purpose: str
    channel: str = Field(description="'*' is any channel")
    granted: bool
    basis: str | None
    proof: str | None
    source: str
    at: datetime


class EventCountAnswer(Answer):
    count: int
    first: datetime
    last: datetime


class RecordAnswer(Answer):
    source: str
    kind: str
    key: str


class StayAnswer(Answer):
    id: str
    entered_at: datetime


class ProfileAnswer(StandingAnswer):
    """Sections that `?fields=` leaves out are absent."""

    profile_id: str
    requested_id: str
    status: Literal["current", "merged"] = Field(
        description="merged: the id asked for is now part of profile_id"
    )
    identity_confidence: float
    ambiguous: bool
    provisional: bool
    first_seen: datetime | None
    last_seen: datetime | None
    fields: dict[str, FieldAnswer] = {}
    identities: list[IdentityAnswer] = []
    holdings: list[HoldingAnswer] = []
    consents: list[ConsentAnswer] = []
    events: dict[str, EventCountAnswer] = {}
    records: list[RecordAnswer] = []
    segments: list[StayAnswer] = []


class TimelineEvent(Answer):
    """What the sender said. Where `readable` is false, only where the event stands is known."""

    event_id: str
    occurred_at: datetime
    source: str
    record: RecordAnswer
    type: str | None
    event: str | None
    readable: bool
    message_id: str | None = None
    received_at: datetime | None = None
    dated: bool | None = None
    traits: dict[str, Any] = {}
    properties: dict[str, Any] = {}


class TimelineAnswer(StandingAnswer):
    profile_id: str
    requested_id: str
    status: Literal["current", "merged"]
    events: list[TimelineEvent]
    next_cursor: str | None


class SegmentDescription(Answer):
    id: str
    name: str | None
    description: str | None
    predicate: str | None
    purposes: list[str] | None
    scheme: str | None
    version: int
    changed_at: datetime
    member_count: int


class SegmentAnswer(SegmentDescription, StandingAnswer):
    pass


class SegmentsAnswer(StandingAnswer):
    segments: list[SegmentDescription]


class MemberAnswer(Answer):
    profile_id: str
    entered_at: datetime


class MembersAnswer(StandingAnswer):
    segment_id: str
    members: list[MemberAnswer]
    next_cursor: str | None


class ReasonAnswer(BaseModel):
    """Some reasons carry what they are about, as `already_held` does the prices."""

    model_config = ConfigDict(extra="allow")

    code: Literal[
        "unknown_profile",
        "ambiguous_identity",
        "identity_confidence_below_asked",
        "no_consent",
        "already_held",
    ]
    detail: str


class AlreadyHeldAnswer(Answer):
    product: str
    line_of_business: str | None
    offered_price: Money
    held_price: Money
    held_currency: str | None
    held_from: str | None
    offer_is_cheaper: bool | None = Field(description="null where the prices do not compare")
    held_by: Literal["person", "account", "household"]
    source: str
    at: datetime


class ConsentStandingAnswer(Answer):
    standing: Literal["granted", "refused", "none"]
    purpose: str | None = None
    channel: str | None = None
    basis: str | None = None
    source: str | None = None
    at: datetime | None = None


class CandidateAnswer(Answer):
    profile_id: str
    identity_confidence: float
    record_count: int


class DecisionAnswer(StandingAnswer):
    """`reasons` holds every reason that applies, in a fixed order; allow has none."""

    decision_id: str | None = Field(description="null when asked not to log")
    decision: Literal["allow", "suppress"]
    reasons: list[ReasonAnswer]
    profile_id: str | None
    identity_confidence: float | None
    offered_price: Money
    held_price: Money
    already_held: AlreadyHeldAnswer | None
    consent: ConsentStandingAnswer | None
    candidates: list[CandidateAnswer]
    decided_at: datetime


class InvalidPart(Answer):
    pointer: str = Field(description="Where: a path into the query or body")
    code: str
    expected: dict[str, Any]


class Problem(Answer):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: Code
    detail: str
    errors: list[InvalidPart] | None = None
    candidates: list[CandidateAnswer] | None = None
    more: bool | None = Field(default=None, description="Whether candidates were left out")
    accounts: list[str] | None = Field(default=None, description="The ids of those meant")
    profiles: list[str] | None = Field(default=None, description="The ids of those concerned")
    as_of: str | None = Field(default=None, description="With not_covered: how far it is")
    lag_ms: int | None = None


def answers(*statuses: int | Code, model: type[BaseModel] | None = None) -> dict[int | str, Any]:
    """The `responses` of a route: a model for the status of success, or codes of problems."""
    found: dict[int | str, Any] = {}
    for status in statuses:
        if isinstance(status, Code):
            found[STATUS_OF[status]] = {
                "description": TITLE_OF[status],
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        else:
            found[status] = {"description": "As asked", "model": model}
    return found
