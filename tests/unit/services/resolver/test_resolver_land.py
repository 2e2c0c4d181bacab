"""Landing: what counts of several copies, what is kept, what becomes dirty."""

import pytest

from services.identity.domain.ids import RecordKey, event_id_of
from services.identity.ports import Message, Partition
from services.identity.store_marks import MarkKind
from services.identity.wire.events import TOPIC, ChannelEvent, encode
from services.resolver.land import Landing, land
from tests.factories import channel_event, outgoing, still_clock
from tests.resolver_home import Home, shared_standing

ANN, BEN = (RecordKey("web", "user_id", name) for name in ("ann", "ben"))
MAIL = {"email": "ann@example.org"}


def land_events(home: Home, *events: ChannelEvent | bytes | None) -> Landing:
    """Landed, and nothing resolved."""
    messages = [
        Message(
            partition=Partition(TOPIC, 0),
            offset=offset,
            appended_at=still_clock().now(),
            key=outgoing(event).key if isinstance(event, ChannelEvent) else b"k",
            value=encode(event) if isinstance(event, ChannelEvent) else event,
        )
        for offset, event in enumerate(events)
    ]
    with home.store.transaction() as tx:
        deriver = shared_standing().deriver(tx, tx.sources())
        return land(tx, messages, deriver=deriver, at=still_clock().now())


def emails(home: Home, key: RecordKey) -> object:
    tables = home.store.tables
    stamped = tables.records[tables.numbers[key]].state.fields.get("email")
    return None if stamped is None else stamped.value


def test_an_honest_retry_is_only_counted() -> None:
    home = Home()
    said = channel_event(user_id="ann", traits=MAIL)
    assert land_events(home, said).accepted == 1
    again = land_events(home, said, said)
    assert (again.messages, again.accepted, again.copies, again.records) == (2, 0, 2, 0)
    (entry,) = home.store.tables.dedupe.values()
    assert entry.copies == 3


@pytest.mark.parametrize(
    "batches", [pytest.param(True, id="one-by-one"), pytest.param(False, id="at-once")]
)
@pytest.mark.parametrize(
    "reverse", [pytest.param(True, id="reversed"), pytest.param(False, id="in-order")]
)
def test_of_several_copies_the_earliest_counts(*, batches: bool, reverse: bool) -> None:
    copies = [
        channel_event(user_id="ann", minute=minute, traits={"email": f"{minute}@example.org"})
        for minute in (1, 2, 3)
    ]
    home = Home()
    if reverse:
        copies.reverse()
    for batch in [[each] for each in copies] if batches else [copies]:
        land_events(home, *batch)
    assert emails(home, ANN) == "1@example.org"
    (events,) = [list(found) for found in home.store.tables.events.values() if found]
    assert len(events) == 1


def test_a_smaller_copy_moves_the_event_to_the_record_it_names() -> None:
    home = Home()
    other = channel_event(user_id="ann", message_id="2", minute=9, traits={"city": "Leeds"})
    land_events(home, channel_event(user_id="ann", minute=5, traits=MAIL), other)
    land_events(home, channel_event(user_id="ben", minute=4, traits=MAIL))
    assert (emails(home, ANN), emails(home, BEN)) == (None, "ann@example.org")
    tables = home.store.tables
    assert [tables.records[tables.numbers[key]].state.events for key in (ANN, BEN)] == [1, 1]


def test_one_message_id_of_two_sources_is_two_events() -> None:
    assert event_id_of("web", "1") != event_id_of("app", "1")
    home = Home()
    landing = land_events(home, channel_event(), channel_event(source="app"))
    assert landing.accepted == 2


def test_a_page_view_leaves_a_mark_that_asks_for_no_candidates() -> None:
    home = Home().say(channel_event(user_id="ann", traits=MAIL))
    land_events(home, channel_event(user_id="ann", message_id="2", kind="page"))
    assert [mark.kind for mark in home.store.tables.marks.values()] == [MarkKind.TRAITS]


def test_a_key_that_a_record_lets_go_of_is_marked() -> None:
    home = Home().say(channel_event(user_id="ann", traits=MAIL))
    tables = home.store.tables
    before = set(tables.records[1].keys)
    land_events(
        home, channel_event(user_id="ann", message_id="2", minute=1, traits={"email": None})
    )
    released = before - set(tables.records[1].keys)
    marks = [mark for mark in tables.marks.values() if mark.kind is MarkKind.KEY]
    assert released
    assert {mark.subject for mark in marks} == released
    assert all(1 not in tables.holders[key] for key in released)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"{", b"broken_json", id="torn"),
        pytest.param(b"[]", b"wrong_type", id="no-event"),
        pytest.param(encode(channel_event(source="nobody")), b"unknown_source", id="source"),
        pytest.param(encode(channel_event(kind="shout")), b"unknown_type", id="type"),
    ],
)
def test_a_refused_message_is_sent_to_the_dead_letters(body: bytes, reason: bytes) -> None:
    home = Home()
    landing = land_events(home, body, channel_event(user_id="ann"))
    assert (landing.refused, landing.accepted) == (1, 1)
    (letter,) = home.store.tables.outbox.values()
    assert letter.topic.endswith("-dlq")
    assert reason in (letter.value or b"")
    assert len(home.store.tables.dedupe) == 1


def test_a_tombstone_says_nothing() -> None:
    landing = land_events(Home(), None)
    assert (landing.messages, landing.accepted, landing.refused) == (1, 0, 0)
