"""A decision as the API answers it and as the log keeps it: codes first, then what was seen."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from services.identity.domain.decision import (
    AlreadyHeld,
    ConsentStanding,
    Decision,
    Question,
    Reason,
    standing,
)
from services.identity.domain.ids import Micros
from services.identity.domain.profile import Profile
from services.profile_api.times import instant

_SAYS = {
    Reason.UNKNOWN_PROFILE: "nobody is known by this",
    Reason.AMBIGUOUS_IDENTITY: "this may be one of several people",
    Reason.IDENTITY_CONFIDENCE_BELOW_ASKED: "the identity is less sure than was asked for",
    Reason.NO_CONSENT: "she has not consented to this purpose on this channel",
    Reason.ALREADY_HELD: "this is already held",
}


def decision_id(at: Micros, random: bytes) -> UUID:
    """A UUID of version 7 (RFC 9562): ids in the order of time. `random` is ten bytes."""
    raw = bytearray((at // 1_000).to_bytes(6, "big") + random)
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def decision_answer(
    decision: Decision,
    question: Question,
    profiles: Sequence[Profile],
    candidates: Sequence[dict[str, object]],
) -> dict[str, object]:
    """Everything that the decision saw; nothing personal of people who may be others."""
    profile = profiles[0] if len(profiles) == 1 else None
    is_sure = Reason.IDENTITY_CONFIDENCE_BELOW_ASKED not in decision.reasons
    offer, held = question.offer, decision.held if is_sure else None
    return {
        "decision": decision.outcome,
        "reasons": [
            {
                "code": each,
                "detail": _SAYS[each],
                **_more(each, decision, question, profile, is_sure=is_sure),
            }
            for each in decision.reasons
        ],
        "profile_id": profile.id if profile else None,
        "identity_confidence": profile.confidence if profile else None,
        "offered_price": _price(offer.price) if offer else None,
        "held_price": _price(held.held_price) if held else None,
        "already_held": _held(held) if held else None,
        "consent": _consent(decision) if profile and is_sure else None,
        "candidates": candidates if len(profiles) > 1 else [],
    }


def question_entry(question: Question, *, who_type: str) -> dict[str, object]:
    """The question for the log. Whom it was about is the profile id beside it, never her value."""
    offer = question.offer
    return {
        "who_type": who_type,
        "purpose": question.purpose,
        "channel": question.channel,
        "needs_consent": question.needs_consent,
        "min_confidence": question.min_confidence,
        "offer": None
        if offer is None
        else {
            "product": offer.product,
            "line_of_business": offer.line_of_business,
            "price": _price(offer.price),
            "currency": offer.currency,
            "per": offer.per,
        },
    }


def _more(
    reason: Reason,
    decision: Decision,
    question: Question,
    profile: Profile | None,
    *,
    is_sure: bool,
) -> dict[str, object]:
    match reason:
        case Reason.ALREADY_HELD:
            return _held(decision.held) if decision.held and is_sure else {}
        case Reason.IDENTITY_CONFIDENCE_BELOW_ASKED:
            return {
                "identity_confidence": profile.confidence if profile else None,
                "min_confidence": question.min_confidence,
            }
        case Reason.NO_CONSENT:
            return {"standing": standing(decision.consent)} if is_sure else {}
        case Reason.UNKNOWN_PROFILE | Reason.AMBIGUOUS_IDENTITY:
            return {}


def _held(held: AlreadyHeld) -> dict[str, object]:
    holding = held.holding
    return {
        "product": holding.product,
        "line_of_business": holding.line_of_business,
        "offered_price": _price(held.offered_price),
        "held_price": _price(held.held_price),
        "held_currency": holding.currency,
        "held_from": holding.held_from,
        "held_by": held.held_by,
        "offer_is_cheaper": held.offer_is_cheaper,
        "source": holding.source,
        "at": instant(holding.at),
    }


def _consent(decision: Decision) -> dict[str, object]:
    statement = decision.consent
    if statement is None:
        return {"standing": ConsentStanding.NONE}
    return {
        "standing": standing(statement),
        "purpose": statement.purpose,
        "channel": statement.channel,
        "basis": statement.basis,
        "source": statement.source,
        "at": instant(statement.at),
    }


def _price(price: Decimal | None) -> str | None:
    """Money is decimal text, so that no reader rounds it."""
    return None if price is None else format(price, "f")
