"""A key that crosses its limit twice before anybody tells of it leaves no edge behind."""

from collections.abc import Sequence

import pytest

from services.identity.adapters.memory.log import MemoryLog
from services.identity.domain.explained import KeyOutcome, RecordSubject, WhyNot
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.value_word import ValueVerdict, ValueWord
from services.identity.ports import TopicSettings
from services.identity.store import RestartBatch
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS, mark_value
from services.identity.wire.commands import outgoing as commanded
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC, ChannelEvent
from services.linkage.score import PairScorer
from services.resolver.consume import Bounds, Worker
from services.resolver.explaining.explainer import Explainer
from services.resolver.resolve.batch import resolve
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.factories import channel_event, outgoing, still_clock, untrained_model
from tests.property.order_world import memory_store
from tests.resolver_home import Home, shared_standing

MODEL = untrained_model()
SHARED = "info@example.org"


def visit(number: int, who: str, email: str | None, city: str = "Leeds") -> ChannelEvent:
    return channel_event(
        anonymous_id=who,
        message_id=f"m-{number}",
        minute=number,
        traits={"firstName": "Ann", "email": email, "city": city},
    )


def a_state(*, marks_max: int) -> StateHash:
    """Two may hold a key. Three do, then two, then three, while marks are taken a few at a time."""
    store, log = memory_store(MODEL), MemoryLog(still_clock())
    topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
    log.ensure_topics([TopicSettings(name=topic, partitions=1) for topic in topics])
    worker = Worker(
        store=store,
        log=log,
        clock=still_clock(),
        bounds=Bounds(marks_max=marks_max, poll_ms=0),
        standing=Standing(scorer=PairScorer(MODEL), generic_holders_max=2),
    )

    def say(*events: ChannelEvent) -> None:
        log.producer().append([outgoing(event) for event in events])
        worker.land_once(wait=False)

    say(visit(1, "a", SHARED), visit(2, "b", SHARED), visit(3, "c", SHARED))
    worker.resolve_until_clean()
    say(visit(4, "b", SHARED, "York"), visit(5, "c", None))
    worker.resolve_once()  # taken one at a time: b, while only a and b hold the key
    say(visit(6, "c", SHARED))
    worker.run_until_caught_up()
    with store.snapshot() as snapshot:
        return state_hash(snapshot)


def test_marks_one_at_a_time_come_to_the_same_as_all_at_once() -> None:
    one_at_a_time, at_once = a_state(marks_max=1), a_state(marks_max=1_000)
    assert at_once.edges == 0
    assert one_at_a_time == at_once


def test_a_crossing_is_told_by_type_and_count_never_by_value() -> None:
    home = Home(holders_max=2)
    for number, user in enumerate(("ann", "ben", "cat")):
        home.say(channel_event(user_id=user, message_id=f"m-{number}", traits={"email": SHARED}))
    (told,) = (
        item.detail
        for (kind, key), (item, _) in home.store.tables.reviews.items()
        if kind == "generic_key" and int(key) & 1
    )
    assert told == {"generic": True, "type": "email", "holders": 3, "holders_max": 2}


def said(verdict: ValueVerdict, *, at: int = 1, value: str = "c1") -> ValueWord:
    identifier = ("crm_id", "shop", value)
    return mark_value(identifier, verdict, decided_at=Micros(at), by="steward", reason="seen")


def carriers(count: int) -> list[ChannelEvent]:
    return [
        channel_event(
            record=("contact_id", str(n)), message_id=str(n), external_ids=[("crm_id", "c1")]
        )
        for n in range(count)
    ]


GENERIC, NOT_GENERIC, COUNTED = ValueVerdict
TOGETHER, APART = {frozenset("012")}, {frozenset("0"), frozenset("1"), frozenset("2")}


def test_a_steward_lets_those_go_whom_a_value_ties_and_takes_it_back() -> None:
    home = Home().say(*carriers(3))
    assert home.people() == TOGETHER
    before = home.hash()
    home.decide(said(GENERIC))
    assert home.people() == APART
    assert {each.type for each in home.told()} >= {"profile.split"}
    home.decide(said(COUNTED, at=2))
    assert home.hash() == before


def test_a_steward_says_that_a_value_ties_though_many_hold_it() -> None:
    home = Home(holders_max=2).say(*carriers(3))
    assert home.people() == APART
    home.decide(said(NOT_GENERIC))
    assert home.people() == TOGETHER
    assert ("generic_key", str(said(GENERIC).key)) not in home.store.tables.reviews
    home.say(*carriers(4))
    assert home.people() == {frozenset("0123")}


@pytest.mark.parametrize("words", [(), (GENERIC,), (GENERIC, COUNTED), (GENERIC, COUNTED, GENERIC)])
def test_what_was_counted_waits_for_a_person_until_one_speaks(
    words: Sequence[ValueVerdict],
) -> None:
    home = Home(holders_max=2).say(*carriers(3))
    for at, verdict in enumerate(words):
        home.decide(said(verdict, at=at))
    key = str(said(GENERIC).key)
    is_open = ("generic_key", key) in home.store.tables.reviews
    assert is_open == (words[-1:] != (GENERIC,))


def test_a_word_on_a_value_waits_for_those_who_carry_it() -> None:
    home = Home().decide(said(GENERIC)).say(*carriers(3))
    assert home.people() == APART
    assert home.store.tables.reviews == {}  # nobody has to look at what a steward has said


def test_why_not_tells_the_limit_that_applies_and_who_set_it() -> None:
    home = Home(holders_max=2).say(*carriers(3))
    assert limit_told(home, holders_max=2) == (2, False)
    home.decide(said(GENERIC))
    assert limit_told(home, holders_max=2) == (0, True)


def limit_told(home: Home, *, holders_max: int) -> tuple[int | None, bool]:
    standing = Standing(scorer=shared_standing().scorer, generic_holders_max=holders_max)
    asked = Explainer(home.store, standing)
    one, other = (RecordSubject(RecordKey("web", "contact_id", n)) for n in "01")
    found = asked.why_not(one, other)
    assert isinstance(found, WhyNot)
    (fact,) = (f for f in found.pair.keys if f.outcome is KeyOutcome.GENERIC)
    return fact.holders_max, fact.is_said


def test_the_latest_word_holds_in_whatever_order_they_come() -> None:
    words = [said(GENERIC, at=1), said(COUNTED, at=2), said(NOT_GENERIC, at=3)]
    for order in (words, words[::-1]):
        home = Home(holders_max=2).say(*carriers(3)).decide(*order)
        assert home.people() == TOGETHER


def test_a_word_that_is_repeated_says_nothing_new() -> None:
    home = Home().say(*carriers(3)).decide(said(GENERIC))
    told = len(home.told())
    home.decide(said(GENERIC))
    assert len(home.told()) == told


def test_a_batch_that_began_before_a_word_landed_starts_again() -> None:
    home = Home().say(*carriers(3))
    with home.store.transaction() as tx:
        engine = shared_standing().engine(tx)
    home.log.producer().append([commanded(said(GENERIC))])
    home.worker.land_once(wait=False)
    with pytest.raises(RestartBatch), home.store.transaction() as tx:
        resolve(tx, engine, marks_max=10, at=Micros(0))
    home.worker.run_until_caught_up()
    assert home.people() == APART
