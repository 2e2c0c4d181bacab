"""The shapes of answers about accounts, for the OpenAPI description."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.profile_api.responses import Answer, HoldingAnswer, Scalar, StandingAnswer

Sums = Annotated[
    dict[str, str],
    Field(description="By currency ('' where none was told), decimal numbers as text"),
]
Kind = Literal["billing", "organisation", "household"]


class RoleAnswer(Answer):
    first_seen: datetime | None
    last_seen: datetime | None
    sources: list[str]


class AccountMemberAnswer(Answer):
    profile_id: str
    identity_confidence: float | None
    record_count: int = Field(description="How many of her records are in the account")
    roles: dict[str, RoleAnswer] = Field(description="holder, user, payer or resident")


class ValueAnswer(Answer):
    invoiced: Sums
    paid: Sums


class AccountAnswer(StandingAnswer):
    account_id: str
    type: Kind
    workspace: str | None
    name: str
    complete: bool = Field(description="false: the account has more records than were read")
    building: bool = Field(description="true: too many people live there to be one household")
    traits: dict[str, Scalar]
    members: list[AccountMemberAnswer]
    holdings: list[HoldingAnswer]
    value: ValueAnswer


class MembershipAnswer(Answer):
    account_id: str
    type: Kind
    workspace: str | None
    name: str
    roles: dict[str, RoleAnswer]
    member_count: int
    value: ValueAnswer


class ProfileAccountsAnswer(StandingAnswer):
    profile_id: str
    requested_id: str
    status: Literal["current", "merged"]
    accounts: list[MembershipAnswer]
    more: bool = Field(description="true: in more accounts than are shown")
    household: MembershipAnswer | None
