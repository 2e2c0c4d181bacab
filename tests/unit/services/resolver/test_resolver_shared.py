"""Segments that ask of others: who changes moves the others, and nobody else."""

import pytest

from services.identity.domain.ids import RecordKey, SegmentId
from services.identity.wire.events import ChannelEvent
from services.resolver.standing import Standing
from tests.factories import channel_event
from tests.resolver_home import Home, shared_standing

HOME = {"street": "14 Alder Row", "city": "Leeds", "postalCode": "LS7 3QT"}
ANN = {**HOME, "firstName": "Ann", "lastName": "Lee", "birthday": "1980-02-03"}
BEN = {**HOME, "firstName": "Ben", "lastName": "Lee", "birthday": "1979-11-30"}
EVE = {"firstName": "Eve", "lastName": "Ray", "birthday": "1991-05-05"}
NUMBER = ("account_number", "4401")


def contact(
    key: str, traits: dict[str, str] | None = None, *, minute: int = 0, quotes: bool = False
) -> ChannelEvent:
    return channel_event(
        record=("contact_id", key),
        message_id=f"{key}-{minute}",
        minute=minute,
        traits=traits,
        external_ids=[NUMBER] if quotes else [],
    )


def a_home(predicate: str, *, rows_max: int = 200) -> Home:
    home = Home(standing=Standing(scorer=shared_standing().scorer, shared_rows_max=rows_max))
    home.store.save_segment(SegmentId("s"), {"id": "s", "name": "Shares", "predicate": predicate})
    return home


def members(home: Home) -> set[str]:
    tables = home.store.tables
    inside = {profile for profile, stays in tables.stays.items() if stays}
    return {
        record.key.key
        for n, record in tables.records.items()
        if tables.members[n].profile in inside
    }


def test_who_moves_in_brings_the_others_into_the_segment_and_takes_them_out_again() -> None:
    home = a_home("household_size > 1").say(contact("ann", ANN))
    assert members(home) == set()
    assert members(home.say(contact("ben", BEN))) == {"ann", "ben"}
    assert members(home.say(contact("ben", {"street": "3 Low Rd"}, minute=1))) == set()


def test_what_one_holds_moves_the_others_of_the_account() -> None:
    home = a_home("account_holdings > 0").say(
        contact("ann", ANN, quotes=True), contact("eve", EVE, quotes=True)
    )
    assert members(home) == set()
    held = channel_event(
        source="billing",
        record=NUMBER,
        message_id="h",
        kind="track",
        event="Product Held",
        properties={"product": "TV"},
    )
    assert members(home.say(held)) == {"ann", "eve", "4401"}


def test_a_crowd_is_unknown_and_known_again_when_somebody_leaves() -> None:
    home = a_home("household_size > 1", rows_max=2)
    home.say(contact("ann", ANN), contact("ben", BEN))
    assert members(home) == {"ann", "ben"}
    home.say(contact("cat", {**ANN, "firstName": "Cat", "birthday": "2001-09-09"}))
    assert members(home) == set()
    home.say(contact("cat", {"street": "3 Low Rd"}, minute=1))
    assert members(home) == {"ann", "ben"}


@pytest.mark.parametrize("predicate", ["household_size > 1", "city = 'Leeds'"])
def test_nothing_is_left_to_do(predicate: str) -> None:
    home = a_home(predicate).say(contact("ann", ANN), contact("ben", BEN))
    assert home.store.pending_work() == 0
    assert RecordKey("web", "contact_id", "ann") in home.store.tables.numbers
