"""A record's state is a function of the set of its events; every tie has one answer."""

from itertools import permutations

import pytest

from services.identity.domain.errors import RejectedError
from services.identity.domain.events import Event, EventType, ExternalId, Scalar
from services.identity.domain.ids import MessageId, Micros, RecordKey, SourceName
from services.identity.domain.record import (
    EMPTY,
    EVENT_NAMES_MAX,
    FIELDS_MAX,
    IDENTIFIERS_MAX,
    check_room,
    fold,
)

MAIL = ExternalId("email", "*", "ann@example.org")


def an_event(
    by: str = "m-1",
    *,
    at: int = 10,
    dated: bool = True,
    type: EventType = EventType.TRACK,  # noqa: A002  # the event's own word
    name: str | None = None,
    fields: dict[str, Scalar] | None = None,
    identifiers: tuple[ExternalId, ...] = (),
    properties: dict[str, object] | None = None,
) -> Event:
    return Event(
        source=SourceName("web"),
        message_id=MessageId(by),
        type=type,
        record=RecordKey("web", "user_id", "ann"),
        occurred_at=Micros(at),
        dated=dated,
        content_hash=b"",
        name=name,
        identifiers=identifiers,
        fields=fields or {},
        properties=properties or {},
    )


def consent(by: str, *, at: int, granted: object) -> Event:
    said = {"purpose": "offers", "granted": granted}
    return an_event(by, at=at, name="Consent Changed", properties=said)


def held(by: str, *, at: int = 10, ended: bool = False, price: object = None) -> Event:
    name = "Product Ended" if ended else "Product Held"
    return an_event(by, at=at, name=name, properties={"product": "fibre", "price": price})


@pytest.mark.parametrize(
    ("events", "value"),
    [
        pytest.param([("a", 1, "old"), ("b", 2, "new")], "new", id="the-later-word-holds"),
        pytest.param([("a", 1, "x"), ("b", 1, "y")], "y", id="at-equal-time-the-message-id"),
        pytest.param([("a", 1, "x"), ("b", 2, None)], None, id="null-clears"),
        pytest.param([("a", 3, "x"), ("b", 2, None)], "x", id="a-null-clears-nothing-later"),
    ],
)
def test_a_field_keeps_its_latest_word(
    events: list[tuple[str, int, Scalar]], value: Scalar
) -> None:
    said = [an_event(by, at=at, fields={"city": word}) for by, at, word in events]
    for order in permutations(said):
        assert fold(EMPTY, order).fields["city"].value == value


def test_a_cleared_field_is_nothing_to_match_by() -> None:
    state = fold(EMPTY, [an_event(fields={"city": None, "surname": "Lee", "age": 7})])
    assert state.matching_values() == {"surname": "Lee", "age": "7"}


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        pytest.param([("a", 1, False), ("b", 2, True)], True, id="the-later-word-holds"),
        pytest.param([("a", 1, False), ("b", 1, True)], False, id="at-equal-time-no-holds"),
        pytest.param([("b", 1, False), ("a", 1, True)], False, id="whatever-the-message-ids"),
        pytest.param([("a", 1, "yes")], False, id="only-true-is-yes"),
    ],
)
def test_consent_is_her_latest_word_and_the_restrictive_one_of_two(
    said: list[tuple[str, int, object]], granted: object
) -> None:
    events = [consent(by, at=at, granted=word) for by, at, word in said]
    for order in permutations(events):
        assert fold(EMPTY, order).consents["offers\x1f*"].granted is granted


def test_of_two_words_on_a_product_at_one_time_the_message_id_decides() -> None:
    events = [held("a"), held("b", ended=True)]
    assert [fold(EMPTY, order).holdings["fibre"].active for order in permutations(events)] == [
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("price", "text"),
    [
        pytest.param(10, "10", id="whole"),
        pytest.param("12.50", "12.5", id="trailing-zero"),
        pytest.param(1e3, "1000", id="no-exponent"),
        pytest.param("a lot", None, id="no-number"),
        pytest.param("NaN", None, id="not-a-number"),
        pytest.param("1e9999999", None, id="more-than-all-money"),
        pytest.param({"amount": 1}, None, id="nested"),
    ],
)
def test_a_price_is_a_decimal_number_as_text(price: object, text: str | None) -> None:
    assert fold(EMPTY, [held("a", price=price)]).holdings["fibre"].price == text


def test_identifiers_know_when_dated_events_said_them() -> None:
    events = [
        an_event("a", at=5, identifiers=(MAIL,)),
        an_event("b", at=1, identifiers=(MAIL,)),
        an_event("c", at=99, identifiers=(MAIL,), dated=False),
    ]
    for order in permutations(events):
        state = fold(EMPTY, order)
        (seen,) = state.identifiers.values()
        assert (seen.first, seen.last) == (1, 5)
        assert (state.dated_from, state.dated_to, state.events) == (1, 5, 3)
        assert state.external_ids() == [MAIL]


def test_events_are_counted_by_name() -> None:
    events = [
        an_event("a", at=3, name="Order Completed"),
        an_event("b", at=1, name="Order Completed"),
        an_event("c", at=2, type=EventType.PAGE, name="Home"),
        an_event("d", type=EventType.IDENTIFY),
    ]
    counts = fold(EMPTY, events).counts
    assert {name: (c.count, c.first, c.last) for name, c in counts.items()} == {
        "Order Completed": (2, 1, 3),
        "page": (1, 2, 2),
    }


def test_folding_in_two_goes_is_folding_at_once() -> None:
    events = [an_event(str(n), at=n % 2, fields={"city": n}) for n in range(4)]
    assert fold(fold(EMPTY, events[2:]), events[:2]) == fold(EMPTY, events)
    assert EMPTY.is_empty
    assert not fold(EMPTY, events).is_empty


@pytest.mark.parametrize(
    ("full", "more"),
    [
        pytest.param(
            an_event(fields={str(n): n for n in range(FIELDS_MAX)}),
            an_event(fields={"one": 1}),
            id="fields",
        ),
        pytest.param(
            an_event(
                identifiers=tuple(ExternalId("x", "*", str(n)) for n in range(IDENTIFIERS_MAX))
            ),
            an_event(identifiers=(MAIL,)),
            id="identifiers",
        ),
    ],
)
def test_a_full_record_takes_only_what_it_knows(full: Event, more: Event) -> None:
    state = fold(EMPTY, [full])
    check_room(state, full)
    with pytest.raises(RejectedError, match="record_full"):
        check_room(state, more)


def test_a_record_counts_only_so_many_event_names() -> None:
    state = fold(EMPTY, [an_event(str(n), name=f"e{n}") for n in range(EVENT_NAMES_MAX)])
    check_room(state, an_event(name="e1"))
    with pytest.raises(RejectedError, match="record_full"):
        check_room(state, an_event(name="another"))
