"""May this offer be made: consent, holdings, and who it is."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.decision import (
    ConsentStanding,
    Offer,
    Outcome,
    Question,
    Reason,
    already_held,
    decide,
    is_running,
    standing,
    standing_consent,
)
from services.identity.domain.profile import Consent, Holding
from tests.profile_factory import a_consent, a_holding, a_profile

TODAY = date(2026, 5, 4)
ASK = Question(purpose="marketing", channel="email")
YES = a_consent("marketing", "*", granted=True)


def an_offer(
    product: str,
    price: str | None = None,
    *,
    currency: str | None = None,
    line_of_business: str | None = None,
) -> Offer:
    return Offer(
        product=product,
        price=None if price is None else Decimal(price),
        currency=currency,
        line_of_business=line_of_business,
    )


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], ConsentStanding.NONE),
        ([("marketing", "email", True, 1)], ConsentStanding.GRANTED),
        ([("marketing", "*", True, 1)], ConsentStanding.GRANTED),
        ([("*", "*", False, 1)], ConsentStanding.REFUSED),
        ([("marketing", "sms", True, 1)], ConsentStanding.NONE),
        ([("surveys", "email", True, 1)], ConsentStanding.NONE),
        ([("marketing", "*", True, 1), ("marketing", "email", False, 2)], ConsentStanding.REFUSED),
        ([("marketing", "*", False, 1), ("marketing", "email", True, 2)], ConsentStanding.GRANTED),
        ([("marketing", "*", True, 2), ("marketing", "email", False, 2)], ConsentStanding.REFUSED),
    ],
    ids=[
        "no statement",
        "a yes",
        "a yes to any channel",
        "a no to everything",
        "another channel",
        "another purpose",
        "a later no",
        "a later yes",
        "both at once",
    ],
)
def test_what_stands_of_her_statements(
    statements: list[tuple[str, str, bool, int]], expected: ConsentStanding
) -> None:
    consents = [a_consent(p, c, granted=granted, at=at) for p, c, granted, at in statements]
    assert standing(standing_consent(consents, purpose="marketing", channel="email")) is expected


SMALL_CONSENTS = st.builds(
    lambda purpose, channel, granted, at: a_consent(purpose, channel, granted=granted, at=at),
    st.sampled_from(["marketing", "*"]),
    st.sampled_from(["email", "sms", "*"]),
    st.booleans(),
    st.integers(1, 2),
)


@given(consents=st.lists(SMALL_CONSENTS, max_size=5), shuffle=st.randoms())
def test_consent_ignores_order_and_a_yes_is_never_older_than_a_no(
    consents: list[Consent], shuffle: Random
) -> None:
    found = standing_consent(consents, purpose="marketing", channel="email")
    mixed = list(consents)
    shuffle.shuffle(mixed)
    again = standing_consent(mixed, purpose="marketing", channel="email")
    assert standing(found) is standing(again)
    if found is not None and found.granted:
        covering = [c for c in consents if c.channel in ("email", "*") and not c.granted]
        assert all(each.at < found.at for each in covering)


HELD = [
    a_holding("TV Max", line_of_business="tv", price="45", at=1),
    a_holding("TV Mini", line_of_business="tv", price="20", at=5),
    a_holding("Fibre 100", line_of_business="broadband", price="30", active=False),
]


@pytest.mark.parametrize(
    ("offer", "product", "is_cheaper"),
    [
        (an_offer("tv max ", "30"), "TV Max", True),
        (an_offer("TV Max", "45"), "TV Max", False),
        (an_offer("TV Basic", "10", line_of_business="TV"), "TV Mini", True),
        (an_offer("TV Max", "30", line_of_business="tv"), "TV Max", True),
        (an_offer("TV Max", "30", currency="EUR"), "TV Max", None),
        (an_offer("TV Max"), "TV Max", None),
        (an_offer("TV Basic", "10"), None, None),
        (an_offer("Fibre 100", "10"), None, None),
    ],
    ids=[
        "the same product",
        "at the same price",
        "the same line of business, the latest",
        "the product before the line of business",
        "another currency",
        "no price",
        "another product, no line of business named",
        "no longer held",
    ],
)
def test_what_is_already_held(
    offer: Offer, product: str | None, *, is_cheaper: bool | None
) -> None:
    found = already_held(HELD, offer, today=TODAY)
    assert (found.holding.product if found else None) == product
    assert (found.offer_is_cheaper if found else None) == is_cheaper


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        (a_holding("a"), True),
        (a_holding("a", active=False), False),
        (a_holding("a", held_to="2026-05-04"), True),
        (a_holding("a", held_to="2026-05-03T23:59:59Z"), False),
        (a_holding("a", held_to="next spring"), True),
    ],
    ids=["open", "ended", "to today", "to yesterday", "to nobody knows"],
)
def test_whether_a_holding_still_runs(holding: Holding, *, expected: bool) -> None:
    assert is_running(holding, TODAY) is expected


@pytest.mark.parametrize("price", ["free", "NaN", "Infinity", "", None])
def test_a_price_that_is_no_number_still_suppresses(price: str | None) -> None:
    found = already_held([a_holding("a", price=price)], an_offer("a", "1"), today=TODAY)
    assert found is not None
    assert (found.held_price, found.offer_is_cheaper) == (None, None)


def test_reasons_stand_in_one_order() -> None:
    profile = a_profile(holdings=HELD, confidence=0.2, ambiguous=True)
    question = Question(
        purpose="marketing", channel="email", offer=an_offer("TV Max"), min_confidence=0.5
    )
    found = decide([profile], question, today=TODAY)
    assert found.outcome is Outcome.SUPPRESS
    assert list(found.reasons) == [each for each in Reason if each is not Reason.UNKNOWN_PROFILE]


def test_unknown_and_several_are_never_allow() -> None:
    one = a_profile(consents=[YES])
    assert decide([], ASK, today=TODAY).reasons == (Reason.UNKNOWN_PROFILE,)
    assert decide([one, one], ASK, today=TODAY).reasons == (Reason.AMBIGUOUS_IDENTITY,)
    assert decide([one], ASK, today=TODAY).outcome is Outcome.ALLOW


def test_a_no_outranks_a_purpose_that_needs_no_yes() -> None:
    question = Question(purpose="service", channel="email", needs_consent=False)
    refused = a_profile(consents=[a_consent("service", "*", granted=False)])
    assert decide([a_profile()], question, today=TODAY).outcome is Outcome.ALLOW
    assert decide([refused], question, today=TODAY).reasons == (Reason.NO_CONSENT,)


def test_confidence_exactly_as_asked_is_enough() -> None:
    profile = a_profile(consents=[YES], confidence=0.9)
    question = Question(purpose="marketing", channel="email", min_confidence=0.9)
    assert decide([profile], question, today=TODAY).outcome is Outcome.ALLOW
