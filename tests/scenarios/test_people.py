"""People who share much: each case is named for what makes them hard to tell apart.

All through the real resolver with the shipped model, in two orders. A case that the model gets
wrong is a strict xfail with its reason: whoever mends it takes the mark away.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from services.identity.wire.events import ChannelEvent
from tests.factories import channel_event
from tests.scenarios.people import people_of, says, together

Said = dict[str, Any]

LEEDS: Said = {"address": {"street": "14 Alder Row", "city": "Leeds", "postalCode": "LS7 3QT"}}
YORK: Said = {"address": {"street": "9 Castle Terrace", "city": "York", "postalCode": "YO1 7HB"}}
HULL: Said = {"address": {"street": "3 Mill Lane", "city": "Hull", "postalCode": "HU1 2AB"}}
MARGARET: Said = {"firstName": "Margaret", "lastName": "Whitfield"}
BORN_1951: Said = {"birthday": "1951-03-14"}
BORN_1979: Said = {"birthday": "1979-07-30"}
LANDLINE: Said = {"phone": "+441134960123"}
MOBILE: Said = {"phone": "+447700900111"}
OTHER_MOBILE: Said = {"phone": "+441614960874"}

TWINS = "one address and one birth date outweigh two given names that are much alike"
SUFFIX = "a suffix column is mistyped too often to forbid a join; it weighs 5 bits"
NAMES = "one name at one address outweighs two birth dates a generation apart (+4 bits)"


def named(given: str, surname: str = "Whitfield") -> Said:
    return {"firstName": given, "lastName": surname}


CASES = [
    pytest.param(
        [
            says("web", "margaret-1", **MARGARET, **LEEDS, **LANDLINE, **BORN_1951),
            says("billing", "margaret-2", **MARGARET, **LEEDS, **LANDLINE),
            says("web", "oliver-1", day=900, **named("Oliver", "Prentice"), **HULL, **LANDLINE),
            says("billing", "oliver-2", day=901, **named("Oliver", "Prentice"), **HULL, **LANDLINE),
        ],
        together("margaret-1 margaret-2", "oliver-1 oliver-2"),
        id="a-recycled-phone-number",
    ),
    pytest.param(
        [
            says("web", "margaret-1", **MARGARET, **LANDLINE),
            says("web", "oliver-1", day=900, **named("Oliver", "Prentice"), **LANDLINE),
        ],
        together("margaret-1", "oliver-1"),
        id="a-recycled-phone-number-and-little-else",
    ),
    pytest.param(
        [
            says("web", "sr-1", **named("Robert"), suffix="Sr", **LEEDS, **LANDLINE, **BORN_1951),
            says("billing", "sr-2", **named("Robert"), suffix="Sr", **LEEDS, **BORN_1951),
            says("web", "jr-1", **named("Robert"), suffix="Jr", **LEEDS, **LANDLINE, **BORN_1979),
            says("billing", "jr-2", **named("Robert"), suffix="Jr", **LEEDS, **BORN_1979),
        ],
        together("sr-1 sr-2", "jr-1 jr-2"),
        id="senior-and-junior-at-one-address",
    ),
    pytest.param(
        [
            says("web", "sr-1", **named("Robert"), suffix="Sr", **LEEDS, **LANDLINE),
            says("web", "jr-1", **named("Robert"), suffix="Jr", **LEEDS, **LANDLINE),
        ],
        together("sr-1", "jr-1"),
        id="senior-and-junior-of-unknown-age-by-a-suffix-column",
        marks=pytest.mark.xfail(strict=True, reason=SUFFIX),
    ),
    pytest.param(
        [
            says("web", "sr-1", name="Robert Whitfield Sr", **LEEDS, **LANDLINE),
            says("billing", "jr-1", name="Robert Whitfield, II", **LEEDS, **LANDLINE),
        ],
        together("sr-1", "jr-1"),
        id="senior-and-junior-of-unknown-age-by-their-names",
    ),
    pytest.param(
        [
            says("web", "father-1", **named("Robert"), **LEEDS, **LANDLINE, **BORN_1951),
            says("billing", "father-2", **named("Robert"), **LEEDS, **BORN_1951),
            says("web", "son-1", **named("Robert"), **LEEDS, **LANDLINE, **BORN_1979),
            says("billing", "son-2", **named("Robert"), **LEEDS, **BORN_1979),
        ],
        together("father-1 father-2", "son-1 son-2"),
        id="father-and-son-with-one-name-and-one-address",
        marks=pytest.mark.xfail(strict=True, reason=NAMES),
    ),
    pytest.param(
        [
            says("web", "father", **named("Robert"), **LEEDS, **BORN_1951),
            says("billing", "son", **named("Robert"), **LEEDS, **BORN_1979),
        ],
        together("father", "son"),
        id="father-and-son-of-one-record-each",
    ),
    pytest.param(
        [
            says("web", "clara-1", **named("Clara"), **LEEDS, **BORN_1979, **MOBILE),
            says("billing", "clara-2", **named("Clara"), **LEEDS, **BORN_1979),
            says("web", "paula-1", **named("Paula"), **LEEDS, **BORN_1979, **OTHER_MOBILE),
            says("billing", "paula-2", **named("Paula"), **LEEDS, **BORN_1979),
        ],
        together("clara-1 clara-2", "paula-1 paula-2"),
        id="twins",
    ),
    pytest.param(
        [
            says("web", "harold-1", **named("Harold", "Ashdown"), **LEEDS, **BORN_1951),
            says("billing", "margaret-1", **MARGARET, **LEEDS, **BORN_1951),
        ],
        together("harold-1", "margaret-1"),
        id="relatives-of-two-names-with-one-address-and-one-birth-date",
    ),
    pytest.param(
        [
            says("web", "martha-1", **named("Martha"), **LEEDS, **BORN_1951),
            says("billing", "margaret-1", **MARGARET, **LEEDS, **BORN_1951),
        ],
        together("martha-1", "margaret-1"),
        id="relatives-of-similar-names-with-one-address-and-one-birth-date",
        marks=pytest.mark.xfail(strict=True, reason=TWINS),
    ),
    pytest.param(
        [
            says("web", "margaret-1", **MARGARET, **LEEDS, **BORN_1951, email="us@example.org"),
            says("billing", "margaret-2", **MARGARET, **LEEDS, email="us@example.org"),
            says("web", "george-1", **named("George"), **LEEDS, email="us@example.org"),
            says("billing", "george-2", **named("George"), **LEEDS, email="us@example.org"),
        ],
        together("margaret-1 margaret-2", "george-1 george-2"),
        id="a-couple-with-one-email",
    ),
    pytest.param(
        [
            says("web", "before", **MARGARET, **LEEDS, **BORN_1979, email="mw@example.org"),
            says(
                "billing", "after", day=30, **named("Margaret", "Ashdown"), **YORK, **BORN_1979,
                email="mw@example.org",
            ),
        ],
        together("before after"),
        id="a-changed-surname-and-a-move-with-one-email",
    ),
    pytest.param(
        [
            says("web", "before", **MARGARET, **LEEDS, **BORN_1979),
            says("billing", "after", day=30, **named("Margaret", "Ashdown"), **LEEDS, **BORN_1979),
        ],
        together("before after"),
        id="a-changed-surname-at-one-address",
    ),
    pytest.param(
        [
            says("web", "before", **MARGARET, **BORN_1979, **MOBILE),
            says("web", "between", day=9, **named("Margaret", "Whitfield-Ashdown"), **MOBILE),
            says("billing", "after", day=30, **named("Margaret", "Ashdown"), **BORN_1979, **MOBILE),
        ],
        together("before between after"),
        id="a-changed-surname-by-way-of-both",
    ),
    pytest.param(
        [
            says(
                "web", "one", **named("John", "Smith"), city="Leeds", birthday="1951-03-14",
                email="john.s.1951@example.org",
            ),
            says(
                "billing", "other", **named("John", "Smith"), city="Leeds", birthday="1983-11-02",
                email="smithy@example.org",
            ),
        ],
        together("one", "other"),
        id="namesakes-in-one-town",
    ),
    pytest.param(
        [
            says("web", "one", **named("John", "Smith"), **LEEDS, **MOBILE),
            says(
                "billing", "other", **named("John", "Smith"), **OTHER_MOBILE,
                address={"street": "201 Beech Road", "city": "Leeds", "postalCode": "LS12 9ZD"},
            ),
        ],
        together("one", "other"),
        id="namesakes-in-one-town-of-unknown-age",
    ),
    pytest.param(
        [
            says("web", "one", **named("John", "Smith"), city="Leeds"),
            says("billing", "other", **named("John", "Smith"), city="Leeds"),
        ],
        together("one", "other"),
        id="a-frequent-name-and-a-town-alone",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "people"), CASES)
def test_who_is_one_person(events: Sequence[ChannelEvent], people: set[frozenset[str]]) -> None:
    assert people_of(events) == people


def at_device(user: str | None, number: int, **traits: object) -> ChannelEvent:
    own = ("user_id", user) if user else ("anonymous_id", "tablet")
    return channel_event(
        record=own,
        user_id=user,
        anonymous_id="tablet",
        message_id=f"m-{number}",
        minute=number,
        traits=traits,
    )


@pytest.mark.parametrize(
    ("users", "people"),
    [
        pytest.param(["ann"], together("ann tablet"), id="one-user-has-its-visits"),
        pytest.param(["ann", "ben"], together("ann", "ben", "tablet"), id="of-two-it-is-nobodys"),
        pytest.param(
            [f"u-{n}" for n in range(9)],
            together(*(f"u-{n}" for n in range(9)), "tablet"),
            id="nor-of-many",
        ),
    ],
)
def test_a_shared_device(users: Sequence[str], people: set[frozenset[str]]) -> None:
    events = [at_device(None, 0), *(at_device(user, n) for n, user in enumerate(users, start=1))]
    assert people_of(events) == people


@pytest.mark.parametrize(
    ("silence_days", "people"),
    [
        pytest.param(100, together("margaret", "oliver"), id="given-out-again"),
        pytest.param(1_000, together("margaret oliver"), id="too-soon-to-be-given-out-again"),
    ],
)
def test_a_recycled_phone_number_that_is_decisive(
    silence_days: int, people: set[frozenset[str]]
) -> None:
    phone = {
        "normalise": "phone", "strength": "decisive", "scope": "shared", "priority": 0,
        "reassigned_after_days": silence_days,
    }  # fmt: skip
    events = [
        says("web", "margaret", **MARGARET, **LANDLINE),
        says("web", "margaret", day=30, **LANDLINE),
        says("web", "oliver", day=900, **named("Oliver", "Prentice"), **LANDLINE),
    ]
    assert people_of(events, rules={"identifiers": {"phone": phone}}) == people
