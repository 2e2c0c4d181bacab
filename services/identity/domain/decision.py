"""May this offer be made to this person? Pure: what is known of her in, allow or suppress out.

Unknown is not yes: no profile, two profiles, no consent statement each suppress.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import assert_never

from services.identity.domain.profile import Consent, Holding, Profile

ANY = "*"
DATE_CHARACTERS = 10  # of an ISO 8601 date, which a time starts with


class Outcome(StrEnum):
    ALLOW = "allow"
    SUPPRESS = "suppress"


class Reason(StrEnum):
    """Why an offer is suppressed, in the order in which reasons are given."""

    UNKNOWN_PROFILE = "unknown_profile"
    AMBIGUOUS_IDENTITY = "ambiguous_identity"
    IDENTITY_CONFIDENCE_BELOW_ASKED = "identity_confidence_below_asked"
    NO_CONSENT = "no_consent"
    ALREADY_HELD = "already_held"


class Per(StrEnum):
    """Whose holdings stand in the way of an offer: hers, her accounts', or her household's too."""

    PERSON = "person"
    ACCOUNT = "account"
    HOUSEHOLD = "household"


class ConsentStanding(StrEnum):
    GRANTED = "granted"
    REFUSED = "refused"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What would be offered. With a line of business, any product in it counts as the same."""

    product: str
    price: Decimal | None = None
    currency: str | None = None
    line_of_business: str | None = None
    per: Per = Per.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Use of `purpose` on `channel`; `needs_consent` is the policy's word on the purpose."""

    purpose: str
    channel: str
    needs_consent: bool = True
    offer: Offer | None = None
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyHeld:
    """The holding in the way. `offer_is_cheaper` is None where the prices do not compare."""

    holding: Holding
    offered_price: Decimal | None
    held_price: Decimal | None
    offer_is_cheaper: bool | None
    held_by: Per = Per.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Every reason that applies, the first one first. Allow has none."""

    outcome: Outcome
    reasons: Sequence[Reason]
    consent: Consent | None = None
    held: AlreadyHeld | None = None


def decide(
    profiles: Sequence[Profile], question: Question, *, today: date, shared: Sequence[Holding] = ()
) -> Decision:
    """`profiles` are all that the asked identifier leads to: none, one, or too many.

    `shared` is what her accounts or her household hold, where the offer asks for that.
    """
    if not profiles:
        return _decision([Reason.UNKNOWN_PROFILE])
    if len(profiles) > 1:
        return _decision([Reason.AMBIGUOUS_IDENTITY])
    (profile,) = profiles
    reasons: list[Reason] = []
    if profile.ambiguous:
        reasons.append(Reason.AMBIGUOUS_IDENTITY)
    if profile.confidence < question.min_confidence:
        reasons.append(Reason.IDENTITY_CONFIDENCE_BELOW_ASKED)
    statement = standing_consent(
        profile.consents, purpose=question.purpose, channel=question.channel
    )
    if not may_use(standing(statement), needs_consent=question.needs_consent):
        reasons.append(Reason.NO_CONSENT)
    held = already_held(profile.holdings, question.offer, today=today)
    if held is None and question.offer is not None:
        held = already_held(shared, question.offer, today=today)
        held = None if held is None else replace(held, held_by=question.offer.per)
    if held is not None:
        reasons.append(Reason.ALREADY_HELD)
    return _decision(reasons, consent=statement, held=held)


def standing_consent(consents: Sequence[Consent], *, purpose: str, channel: str) -> Consent | None:
    """Her latest statement that covers this use; at equal time the most restrictive one."""
    covering = [
        consent
        for consent in consents
        if consent.purpose in (purpose, ANY) and consent.channel in (channel, ANY)
    ]
    return max(covering, key=lambda each: (each.at, not each.granted), default=None)


def standing(statement: Consent | None) -> ConsentStanding:
    if statement is None:
        return ConsentStanding.NONE
    return ConsentStanding.GRANTED if statement.granted else ConsentStanding.REFUSED


def already_held(
    holdings: Sequence[Holding], offer: Offer | None, *, today: date
) -> AlreadyHeld | None:
    """The holding that the offer repeats: the same product before the same line of business."""
    if offer is None:
        return None
    found = [
        (is_same_product, holding)
        for holding in holdings
        if is_running(holding, today)
        and (
            (is_same_product := same(holding.product, offer.product))
            or same(holding.line_of_business, offer.line_of_business)
        )
    ]
    if not found:
        return None
    _, holding = max(found, key=lambda each: (each[0], each[1].at))
    held_price = price_of(holding)
    comparable = (
        held_price is not None
        and offer.price is not None
        and (offer.currency is None or same(holding.currency, offer.currency))
    )
    return AlreadyHeld(
        holding=holding,
        offered_price=offer.price,
        held_price=held_price,
        offer_is_cheaper=_is_less(offer.price, held_price) if comparable else None,
    )


def is_running(holding: Holding, today: date) -> bool:
    """Whether it is held today. An end that cannot be read does not end it: suppressing is safe."""
    if not holding.active:
        return False
    if holding.held_to is None:
        return True
    try:
        return date.fromisoformat(holding.held_to[:DATE_CHARACTERS]) >= today
    except ValueError:
        return True


def price_of(holding: Holding) -> Decimal | None:
    """The price as a number; None where none was told or it cannot be read."""
    if holding.price is None:
        return None
    try:
        price = Decimal(holding.price)
    except InvalidOperation:
        return None
    return price if price.is_finite() else None


def same(held: str | None, asked: str | None) -> bool:
    """Names of products compare without regard to case and outer spaces; nothing equals None."""
    if held is None or asked is None:
        return False
    return held.strip().casefold() == asked.strip().casefold()


def may_use(found: ConsentStanding, *, needs_consent: bool) -> bool:
    """Her no outranks a purpose that needs no yes."""
    match found:
        case ConsentStanding.GRANTED:
            return True
        case ConsentStanding.REFUSED:
            return False
        case ConsentStanding.NONE:
            return not needs_consent
        case _:
            assert_never(found)


def _is_less(left: Decimal | None, right: Decimal | None) -> bool | None:
    return None if left is None or right is None else left < right


def _decision(
    reasons: Sequence[Reason], *, consent: Consent | None = None, held: AlreadyHeld | None = None
) -> Decision:
    return Decision(
        outcome=Outcome.SUPPRESS if reasons else Outcome.ALLOW,
        reasons=tuple(reasons),
        consent=consent,
        held=held,
    )
