"""A joint account keeps two people: its number joins nobody with a clear stranger."""

from collections.abc import Mapping
from itertools import permutations
from types import MappingProxyType

import pytest

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import RecordKey, profile_id_of
from services.identity.domain.weights import UNITS_PER_BIT
from services.identity.wire.events import ChannelEvent
from services.resolver.resolve.joint import TWO_PEOPLE_BITS, groups_joined, pairs_sharing
from services.resolver.resolve.units import join_units
from tests.factories import channel_event
from tests.resolver_home import Home

ACCOUNT = "account_number\x1fshop\x1f4401"
CRM_ID = "crm_id\x1fshop\x1fc-1"
NO_TRAITS: Mapping[str, str] = MappingProxyType({})
HOME = {"street": "14 Alder Row", "city": "Leeds", "postalCode": "LS7 3QT", "lastName": "Lee"}
ANN = {**HOME, "firstName": "Ann", "birthday": "1980-02-03"}
BEN = {**HOME, "firstName": "Ben", "birthday": "1979-11-30"}


def billing(traits: Mapping[str, str] = NO_TRAITS) -> ChannelEvent:
    return channel_event(
        source="billing",
        record=("account_number", "4401"),
        message_id="b-4401",
        traits=traits,
    )


def contact(
    key: str, traits: Mapping[str, str] = NO_TRAITS, *, source: str = "web", minute: int = 0
) -> ChannelEvent:
    """Somebody who quotes the account's number, without a login that says who it is."""
    return channel_event(
        source=source,
        record=("contact_id", key),
        message_id=f"{source}-{key}-{minute}",
        minute=minute,
        traits=traits,
        external_ids=[("account_number", "4401")],
    )


def person(home: Home, *keys: str) -> bool:
    return frozenset(keys) in home.people()


def test_a_joint_account_keeps_two_people() -> None:
    home = Home().say(billing(ANN), contact("ann", ANN), contact("ben", BEN, source="app"))
    assert home.people() == {frozenset({"4401", "ann"}), frozenset({"ben"})}


def test_a_couple_with_one_account_and_one_mailbox_stays_two_people() -> None:
    mail = {"email": "the.lees@example.org"}
    home = Home().say(
        billing({**ANN, **mail}),
        contact("ann", {**ANN, **mail}),
        contact("ben", {**BEN, **mail}, source="app"),
    )
    assert home.people() == {frozenset({"4401", "ann"}), frozenset({"ben"})}


def test_of_a_joint_account_nobody_gets_a_record_that_names_no_one() -> None:
    home = Home().say(billing(), contact("ann", ANN), contact("ben", BEN, source="app"))
    assert home.people() == {frozenset({"4401"}), frozenset({"ann"}), frozenset({"ben"})}


def test_a_record_that_names_no_one_goes_with_the_only_person_of_the_account() -> None:
    home = Home().say(billing(), contact("ann", ANN))
    assert person(home, "4401", "ann")
    home.say(contact("ben", BEN, source="app"))
    assert person(home, "4401")
    home.say(contact("ben", ANN, source="app", minute=1))
    assert person(home, "4401", "ann", "ben"), "a correction makes it one person's again"


def test_another_surname_and_another_address_do_not_make_two_people() -> None:
    married = {"firstName": "Ann", "lastName": "Whitfield", "birthday": ANN["birthday"]}
    moved = {"street": "3 Quarry Lane", "city": "York", "postalCode": "YO1 9QL"}
    home = Home().say(billing(ANN), contact("ann", {**married, **moved}))
    assert person(home, "4401", "ann")


def test_the_second_holder_gets_the_id_back_that_a_common_record_had_hidden() -> None:
    ben = RecordKey("app", "contact_id", "ben")
    home = Home().say(billing(ANN), contact("ben", source="app"))
    assert person(home, "4401", "ben")
    home.say(contact("ben", BEN, source="app", minute=1))
    assert home.profile_of(ben) == profile_id_of(ben)


def test_no_order_makes_another_partition() -> None:
    said = [
        billing(),
        contact("ann", ANN),
        contact("ben", BEN, source="app"),
        contact("ann-2", ANN),
    ]
    hashes = {Home().say(*order[:2]).say(*order[2:]).hash().value for order in permutations(said)}
    assert len(hashes) == 1


STRANGERS, ONE = -TWO_PEOPLE_BITS * UNITS_PER_BIT, 5 * UNITS_PER_BIT


@pytest.mark.parametrize(
    ("personal", "groups"),
    [
        pytest.param({}, [[0, 1, 2]], id="nothing-known-joins-all"),
        pytest.param({(0, 1): STRANGERS + 1}, [[0, 1, 2]], id="doubt-is-not-enough"),
        pytest.param({(0, 1): STRANGERS}, [[0], [1], [2]], id="strangers-and-one-unknown"),
        pytest.param({(0, 1): STRANGERS, (0, 2): ONE}, [[0, 2], [1]], id="strangers-and-a-friend"),
        pytest.param(
            {(0, 1): STRANGERS, (0, 2): ONE, (1, 2): ONE + 1},
            [[0], [1, 2]],
            id="between-two-the-better-fit",
        ),
        pytest.param(
            {(0, 1): STRANGERS, (0, 2): ONE, (1, 2): ONE},
            [[0, 2], [1]],
            id="between-two-equals-the-first",
        ),
    ],
)
def test_an_account_joins_who_fits(
    personal: dict[tuple[int, int], int], groups: list[list[int]]
) -> None:
    alone = {place: (place,) for place in range(3)}
    assert groups_joined([0, 1, 2], alone, personal) == groups


def test_what_is_one_already_is_no_reason_to_part() -> None:
    units = {0: (0, 1), 1: (0, 1), 2: (2,)}
    assert groups_joined([0, 1, 2], units, {(0, 1): STRANGERS}) == [[0, 1, 2]]


def test_other_identifiers_join_strangers_too() -> None:
    rules = IdentityRules()
    held = [frozenset({CRM_ID, ACCOUNT}), frozenset({CRM_ID})]
    assert pairs_sharing(held, rules) == set()
    assert join_units(held, rules, [], {(0, 1): STRANGERS}).units == [(0, 1)]
