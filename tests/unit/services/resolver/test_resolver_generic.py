"""A key that crosses its limit twice before anybody tells of it leaves no edge behind."""

from services.identity.adapters.memory.log import MemoryLog
from services.identity.ports import TopicSettings
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC, ChannelEvent
from services.linkage.score import PairScorer
from services.resolver.consume import Bounds, Worker
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.factories import channel_event, outgoing, untrained_model
from tests.property.order_world import FixedClock, memory_store
from tests.resolver_home import Home

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
    store, log = memory_store(MODEL), MemoryLog(FixedClock())
    topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
    log.ensure_topics([TopicSettings(name=topic, partitions=1) for topic in topics])
    worker = Worker(
        store=store,
        log=log,
        clock=FixedClock(),
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
