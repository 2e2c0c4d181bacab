"""Invariant 1 on PostgreSQL: the same hash in any order, and the same as in memory.

Two workers on two connections may land and resolve what belongs together at the same time.
"""

import random
import threading
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.errors import RetryableError
from services.identity.ports import TopicSettings
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.linkage.score import PairScorer
from services.resolver.backoff import Backoff
from services.resolver.consume import Bounds, Worker
from services.resolver.hand import Hand
from services.resolver.observe import Silent
from services.resolver.standing import Standing
from services.resolver.state_hash import state_hash
from tests.factories import still_clock
from tests.property.event_strategies import (
    COMMAND_BYTES,
    EVENT_BYTES,
    cases,
    decided_cases,
    to_commands,
    to_event,
    to_words,
)
from tests.property.order_world import (
    Said,
    Schedule,
    memory_store,
    message_of,
    reviews_of,
    run,
    with_limits,
)
from tests.property.sql_home import empty_home
from tests.property.test_order import MODEL

ROUNDS = 12
ROUNDS_SECONDS_MAX = 12.0
TURNS_MAX = 400


def _standing() -> Standing:
    return Standing(
        scorer=PairScorer(MODEL), generic_holders_max=3, component_units_max=4, pairs_kept_min=1
    )


@given(case=cases() | decided_cases())
@settings(
    max_examples=max(settings().max_examples // 8, 1),
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)
def test_postgresql_and_memory_agree_in_any_order(
    case: tuple[Sequence[Said], Schedule], database_url: str
) -> None:
    events, schedule = case
    standing = with_limits(_SHARED, schedule)
    at_once = Schedule(order=tuple(range(len(events))))
    in_memory = run(events, at_once, memory_store(MODEL), standing)
    empty_home(database_url, MODEL)
    store = SqlStore(database_url)
    on_postgresql = run(events, schedule, store, standing)
    store.close()
    assert sorted({*on_postgresql.lines} ^ {*in_memory.lines}) == []
    assert on_postgresql.hash == in_memory.hash
    assert sorted(on_postgresql.reviews ^ in_memory.reviews) == []


_SHARED = _standing()


def test_two_workers_at_once_end_in_the_one_hash(database_url: str) -> None:
    """As many rounds as fit: every round other events, both halves landed at the same time."""
    until = time.monotonic() + ROUNDS_SECONDS_MAX
    tools = (_standing(), _standing())
    for seed in range(ROUNDS):
        if seed and time.monotonic() > until:
            break
        chance = random.Random(seed)
        said = _said(chance, with_commands=seed % 2 == 0)
        at_once = Schedule(order=tuple(range(len(said))))
        alone = run(said, at_once, memory_store(MODEL), tools[0])
        empty_home(database_url, MODEL)
        _run_two(said, database_url, tools)
        store = SqlStore(database_url)
        with store.snapshot() as snapshot:
            assert state_hash(snapshot) == alone.hash, f"seed {seed}"
        assert sorted({*reviews_of(store)} ^ alone.reviews) == [], f"seed {seed}"
        store.close()


def _said(chance: random.Random, *, with_commands: bool) -> Sequence[Said]:
    said: list[Said] = [to_event(chance.randbytes(EVENT_BYTES)) for _ in range(24)]
    if with_commands:
        said += to_commands([chance.randbytes(COMMAND_BYTES) for _ in range(5)])
        said += to_words([chance.randbytes(4) for _ in range(3)])
        chance.shuffle(said)
    return said


def _hand_on(store: SqlStore, bounds: Bounds, standing: Standing) -> Hand:
    return Hand(
        store,
        clock=still_clock(),
        standing=standing,
        observer=Silent(),
        marks_max=bounds.marks_max,
        backoff=Backoff(),
    )


def _run_two(said: Sequence[Said], url: str, tools: tuple[Standing, Standing]) -> None:
    """Two workers of one group, a partition each, in threads, until nothing is left.

    The first of them lands in a thread of its own while it resolves, with a second hand beside.
    """
    log = MemoryLog(still_clock())
    topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
    log.ensure_topics([TopicSettings(name=topic, partitions=2) for topic in topics])
    log.producer().append([message_of(each) for each in said])
    stores = [SqlStore(url), SqlStore(url)]
    beside, second = SqlStore(url), SqlStore(url)
    bounds = Bounds(messages_max=4, marks_max=6, poll_ms=0, halves_from=2)
    workers = [
        Worker(
            store=store,
            beside=others[0] if others else None,
            second=_hand_on(others[1], bounds, standing.another()) if others else None,
            log=log,
            clock=still_clock(),
            bounds=bounds,
            standing=standing,
        )
        for store, others, standing in zip(stores, ((beside, second), ()), tools, strict=True)
    ]
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def live(worker: Worker) -> None:
        try:
            start.wait()
            _turn_until_idle(worker)
        except BaseException as error:  # noqa: BLE001  # carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=live, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for worker in workers:
        worker.close()
    last = Worker(store=stores[0], log=log, clock=still_clock(), bounds=bounds, standing=tools[0])
    last.run_until_caught_up()
    last.close()
    for store in (*stores, beside, second):
        store.close()


def _turn_until_idle(worker: Worker) -> None:
    """A worker may be sent back as often as it likes, but not for ever."""
    idle = 0
    for _ in range(TURNS_MAX):
        try:
            idle = 0 if worker.turn() else idle + 1
        except RetryableError:
            idle = 0
        if idle >= 3:
            return
    raise AssertionError("the worker never came to rest")
