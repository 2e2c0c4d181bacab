"""Decisions: whether this offer may be made to this person, here and now."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from starlette.responses import Response

from services.identity.domain.decision import Offer, Per, Question, decide
from services.identity.domain.profile import Holding
from services.identity.domain.reading import DecisionEntry
from services.identity.wire.profiles import decode
from services.profile_api.account_desk import shared_holdings
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.decision_view import decision_answer, decision_id, question_entry
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import DecisionAnswer, answers
from services.profile_api.routes.asked import Asked
from services.profile_api.standing import AtLeast
from services.profile_api.times import day, instant
from services.profile_api.who import IdentifierRef, parse_who

Word = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
# As text a price keeps its digits; as a number it is what its shortest form says.
PriceText = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{1,12}(\.\d{1,6})?$")]
PriceNumber = Annotated[float, Field(strict=True, ge=0, lt=1e12, allow_inf_nan=False)]
ID_RANDOM_BYTES = 10


class OfferBody(BaseModel):
    """What would be offered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Name
    price: PriceText | PriceNumber | None = Field(default=None, examples=["30.00"])
    currency: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")] | None = None
    line_of_business: Name | None = None
    per: Per = Field(
        default=Per.PERSON,
        description="What she holds counts always; account: what her billing accounts hold, too;"
        " household: what others of her household hold, too",
    )

    def to_domain(self) -> Offer:
        price = self.price
        return Offer(
            product=self.product,
            price=None if price is None else _decimal(price),
            currency=self.currency,
            line_of_business=self.line_of_business,
            per=self.per,
        )


class DecisionBody(BaseModel):
    """`log: false` asks without leaving a trace: for trying things out, never for contact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=700)] = Field(
        description="A profile id, or type:value as in email:ann@example.org"
    )
    purpose: Word = Field(examples=["marketing"])
    channel: Word = Field(examples=["web"])
    offer: OfferBody | None = None
    min_confidence: float = Field(
        default=0.0,
        strict=True,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How sure the identity must be; where the rules ask more for a use of the name"
        " of this purpose (`merge_policy: uses`), that holds",
    )
    log: StrictBool = True


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/decisions",
        tags=["decisions"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.DECISIONS_WRITE))],
    )

    @routes.post("", responses=answers(200, Code.NOT_COVERED, model=DecisionAnswer))
    async def decide_offer(body: DecisionBody, asked: Asked) -> Response:
        """Allow, or suppress with every reason. Nobody known, or several, is never allow."""
        return answer(await _decide(desk, body, asked))

    return routes


async def _decide(desk: Desk, body: DecisionBody, asked: AtLeast) -> dict[str, object]:
    who = parse_who(body.who)
    if who is None:
        raise ProblemError(Code.INVALID_REQUEST, "`who` is a profile id, or type:value")
    standing = await desk.standing.now(asked)
    views = await desk.people.find(who)
    if views is None:
        raise ProblemError(Code.INVALID_REQUEST, desk.unknown(None))
    profiles = [decode(view.document) for view in views]
    rules, _ = await desk.people.declared()
    question = Question(
        purpose=body.purpose,
        channel=body.channel,
        needs_consent=body.purpose not in desk.settings.purposes_without_consent,
        offer=body.offer.to_domain() if body.offer else None,
        min_confidence=max(body.min_confidence, rules.merge_policy.uses.get(body.purpose, 0.0)),
    )
    shared: Sequence[Holding] = ()
    if question.offer is not None and len(profiles) == 1:
        shared = await shared_holdings(desk.reads, profiles[0].id, question.offer.per)
    at = desk.clock.now()
    decision = decide(profiles, question, today=day(at), shared=shared)
    shown = desk.candidates(views)[0] if len(views) > 1 else []
    saw = decision_answer(decision, question, profiles, shown) | standing.members()
    saw["decided_at"] = instant(at)
    if not body.log:
        return {"decision_id": None, **saw}
    entry = DecisionEntry(
        id=decision_id(at, desk.random(ID_RANDOM_BYTES)),
        decided_at=at,
        profile=profiles[0].id if len(profiles) == 1 else None,
        request=question_entry(
            question, who_type=who.type if isinstance(who, IdentifierRef) else "profile_id"
        ),
        answer=saw,
    )
    await desk.decisions.append(entry)
    return {"decision_id": str(entry.id), **saw}


def _decimal(price: str | float) -> Decimal:
    if isinstance(price, str):
        return Decimal(price)
    return Decimal(int(price)) if price.is_integer() else Decimal(str(price))
