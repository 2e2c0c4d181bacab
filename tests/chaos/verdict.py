"""What must hold when the dust has settled; each line that comes back is what does not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from uuid import UUID

from services.cli.home import Home
from services.identity.adapters.sql.engine import connect
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ids import event_id_of
from services.identity.ports import EventLog, Message
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC, decode
from services.identity.wire.feed import TOPICS as FEED
from services.identity.wire.feed import FeedReader
from services.resolver.consume import Worker
from services.resolver.state_hash import StateHash, state_hash
from tests.chaos.tally import Tally


def judge(
    home: Home, again: Home, tally: Tally, *, promised: set[tuple[str, str]]
) -> Iterator[str]:
    """The feed first: the single process writes changes of its own to the same topics."""
    with closing(home.log()) as log:
        copies = _copies_in_log(log)
        tally.count("messages in the log", copies.total())
        tally.count("events in the log", len(copies))
        missing = [each for each in promised if event_id_of(*each) not in copies]
        if missing:
            yield f"{len(missing)} events were answered 200 and are not in the log"
        yield from _as_often_as_sent(home, copies)
        yield from _feed(home, log, tally)
        letters = sum(log.end_offsets(DEAD_LETTER_TOPIC).values())
        if letters:
            yield f"{letters} dead letters, though every event is good"
    state, alone = _state(home), _state(_resolved_alone(again))
    tally.count("records", state.records)
    tally.count("profiles", state.profiles)
    if not state.is_clean:
        yield "something is still dirty"
    if state != alone:
        yield f"the state differs from that of a single process:\n    {state}\n    {alone}"


def _copies_in_log(log: EventLog) -> Counter[UUID]:
    """How often each event stands in the log."""
    found: Counter[UUID] = Counter()
    for message in _read(log, TOPIC):
        event = decode(message.value or b"")
        found[event_id_of(event.source, event.id)] += 1
    return found


def _read(log: EventLog, topic: str) -> Iterator[Message]:
    left = sum(log.end_offsets(topic).values())
    with closing(log.consumer(topics=[topic], group="verdict", start=lambda _: {})) as consumer:
        while left > 0:
            messages = consumer.poll(records_max=2_000, timeout_ms=1_000)
            left -= len(messages)
            yield from messages


def _as_often_as_sent(home: Home, copies: Mapping[UUID, int]) -> Iterator[str]:
    """Landing counts each message of the log once: a batch landed twice or skipped shows here."""
    with connect(home.url) as connection:
        landed: dict[UUID, int] = dict(
            connection.execute("SELECT event_id, copies FROM dedupe").fetchall()
        )
        stored = Counter(i for (i,) in connection.execute("SELECT event_id FROM event").fetchall())
        (unsent,) = connection.execute("SELECT count(*) FROM outbox").fetchone() or (0,)
    lost = copies.keys() - landed.keys()
    if lost:
        yield f"{len(lost)} events of the log were never landed"
    counted = [each for each in copies if each in landed and landed[each] != copies[each]]
    if counted:
        yield f"{len(counted)} events were landed more or less often than the log has them"
    if landed.keys() - copies.keys():
        yield f"{len(landed.keys() - copies.keys())} events were landed that the log does not have"
    twice = [each for each, count in stored.items() if count > 1]
    if twice or stored.keys() != landed.keys():
        yield f"{len(twice)} events are stored twice, {len(landed.keys() ^ stored.keys())} not once"
    if unsent:
        yield f"{unsent} changes were never sent"


def _feed(home: Home, log: EventLog, tally: Tally) -> Iterator[str]:
    """Per profile every change came, in order, up to the last that the database gave a number."""
    done: dict[str, int] = {}
    messages = sum(sum(log.end_offsets(topic).values()) for topic in FEED)
    reader = FeedReader(
        log,
        group="verdict-feed",
        start=lambda _: {},
        last_done=lambda profile: done.get(profile, 0),
    )
    with closing(reader):
        at_end = False
        while not at_end:
            batch = reader.poll(timeout_ms=1_000)
            done |= {change.profile_id: change.sequence for change in batch.changes}
            at_end = not batch.changes and reader.is_at_end()
        gaps = reader.gaps(held_before=home.clock.now())
    tally.count("changes told", sum(done.values()))
    tally.count("changes told more than once", messages - sum(done.values()))
    if gaps:
        yield f"the changes of {len(gaps)} profiles have a gap"
    with connect(home.url) as connection:
        rows = connection.execute("SELECT id::text, sequence FROM profile WHERE sequence > 0")
        given: dict[str, int] = dict(rows.fetchall())
    if given != done:
        wrong = sum(given.get(each) != done.get(each) for each in given.keys() | done.keys())
        yield f"the changes of {wrong} profiles do not end where the database says"


def _resolved_alone(home: Home) -> Home:
    """One process, nothing killed: the same log from its beginning."""
    with closing(home.log()) as log, closing(SqlStore(home.url)) as store:
        worker = Worker(store=store, log=log, clock=home.clock)
        with closing(worker):
            worker.run_until_caught_up()
    return home


def _state(home: Home) -> StateHash:
    with closing(SqlStore(home.url)) as store, store.snapshot() as snapshot:
        return state_hash(snapshot)
