"""A key crosses its limit while others work: between a batch's reading and its locks, or both tell.

Two workers on two connections go from statement to statement, in an order that is given.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import cast

import pytest

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.engine import connect
from services.identity.adapters.sql.reads import SqlReads
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.identifiers import SCOPE_SHARED, identifier_key
from services.identity.domain.ladder import Ladder
from services.identity.ports import TopicSettings
from services.identity.store import ResolverStore, StoredEdge, Transaction
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.resolver.consume import Bounds, Worker
from services.resolver.resolve.components import Locked, lock_members
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.factories import channel_event, outgoing, still_clock
from tests.property.sql_home import empty_home
from tests.simulation.actors import Actor, Order
from tests.simulation.scorer import MODEL, TableScorer
from tests.simulation.stage import Stage
from tests.simulation.stores import SteppedSqlStore, SteppedStore
from tests.simulation.tally import Tally
from tests.simulation.world import LogOfOne, SimulatedClock, SimulatedLog

HOLDERS_MAX = 2
STEPS_MAX = 1_000


class _Home:
    """Visitors who share one address; each is a record that holds its key."""

    def __init__(self, url: str, *, holders_max: int = HOLDERS_MAX) -> None:
        empty_home(url, MODEL)
        self.url = url
        self.holders_max = holders_max
        self.log = MemoryLog(still_clock())
        topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
        self.log.ensure_topics([TopicSettings(name=name, partitions=1) for name in topics])

    def worker(self, store: object) -> Worker:
        return Worker(
            store=cast("ResolverStore", store),
            log=self.log,
            clock=still_clock(),
            bounds=Bounds(poll_ms=0),
            standing=Standing(scorer=TableScorer(MODEL), generic_holders_max=self.holders_max),
        )

    def work(self, step: Callable[[Worker], object]) -> None:
        store = SqlStore(self.url)
        worker = self.worker(store)
        if step is not Worker.land_until_end:
            worker.close()  # its partition is the next one's; resolving needs no log
        step(worker)
        worker.close()
        store.close()

    def visit(self, number: int) -> None:
        self._say(number, "info@example.org", minute=0)

    def let_go(self, number: int) -> None:
        self._say(number, f"{number}@example.org", minute=1)

    def _say(self, number: int, email: str, *, minute: int) -> None:
        event = channel_event(
            user_id=f"u-{number}",
            message_id=f"m-{number}-{minute}",
            minute=minute,
            traits={"email": email},
        )
        self.log.producer().append([outgoing(event)])
        self.work(Worker.land_until_end)

    def resolver(self, name: str) -> Actor:
        """Another worker's process: it resolves one batch, statement by statement."""

        def life(actor: Actor) -> None:
            store = SteppedSqlStore(self.url, actor)
            log = LogOfOne(SimulatedLog(Random(0), SimulatedClock(), 1), actor.step)
            worker = self.worker(SteppedStore(store, actor, log, Tally(), None))
            worker.close()
            try:
                worker.resolve_once()
            finally:
                store.close()

        return Actor(name, life)

    def hash(self) -> StateHash:
        self.work(Worker.resolve_until_clean)
        with SqlStore(self.url).snapshot() as snapshot:
            found = state_hash(snapshot)
        assert found.is_clean
        return found


@pytest.mark.integration
def test_a_crossing_that_is_resolved_meanwhile_sends_a_batch_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _Home(database_url)
    for number in range(HOLDERS_MAX + 1):
        home.visit(number)
    expected = home.hash()
    assert expected.records == HOLDERS_MAX + 1

    home = _Home(database_url)
    for number in range(HOLDERS_MAX):
        home.visit(number)
    waiting = [HOLDERS_MAX]

    def lock_late(
        tx: Transaction,
        records: frozenset[int],
        found: Sequence[StoredEdge],
        ladder: Ladder,
        *,
        leavable: frozenset[int],
    ) -> Locked:
        while waiting:  # another worker lands the crossing holder and resolves all it may
            home.visit(waiting.pop())
            home.work(Worker.resolve_until_clean)
        return lock_members(tx, records, found, ladder, leavable=leavable)

    monkeypatch.setattr("services.resolver.resolve.work.lock_members", lock_late)
    home.work(Worker.resolve_once)
    assert home.hash().value == expected.value


@pytest.mark.integration
def test_who_lets_go_of_a_key_waits_for_whom_tells_that_many_hold_it(database_url: str) -> None:
    home = _Home(database_url)
    for number in range(3):
        home.visit(number)
    home.let_go(0)
    expected = home.hash()

    home = _Home(database_url)
    home.visit(0)
    home.visit(1)
    home.hash()
    home.visit(2)
    _meet(home, lambda: home.let_go(0))
    assert home.hash().value == expected.value


@pytest.mark.integration
def test_whoever_lands_while_a_key_is_told_to_tie_again_is_compared(database_url: str) -> None:
    home = _Home(database_url, holders_max=3)
    for number in range(6):
        home.visit(number)
    for number in range(3):
        home.let_go(number)
    expected = home.hash()

    home = _Home(database_url, holders_max=3)
    for number in range(4):
        home.visit(number)
    home.hash()
    for number in range(3):
        home.let_go(number)

    def two_come() -> None:
        home.visit(4)
        home.visit(5)

    _meet(home, two_come)
    assert home.hash().value == expected.value


def _meet(home: _Home, meanwhile: Callable[[], None]) -> None:
    """One has told its crossings and stalls before its locks; another resolves what comes then."""
    with closing(connect(home.url, autocommit=True)) as monitor:
        stage = Stage(monitor)
        try:
            first = home.resolver("first")
            stage.actors.append(first)
            _go(stage, first, until="lock_components")
            meanwhile()
            second = home.resolver("second")
            stage.actors.append(second)
            _go(stage, second)
            _go(stage, first)
            _go(stage, second)
            assert first.is_done
            assert second.is_done
            assert first.failure is second.failure is None
        finally:
            stage.dismiss()


def _go(stage: Stage, actor: Actor, *, until: str = "") -> None:
    """From step to step, to that verb, to the end, or to where somebody else is waited for."""
    stage.settle()
    for _ in range(STEPS_MAX):
        if actor.is_done or actor.is_running or (until and actor.label == until):
            return
        actor.resume(Order.GO)
        stage.settle()
    raise AssertionError(f"{actor.name} never came to an end")


@pytest.mark.integration
async def test_a_generic_value_is_listed_with_its_type_and_holders(database_url: str) -> None:
    home = _Home(database_url)
    for number in range(HOLDERS_MAX + 1):
        home.visit(number)
    home.hash()
    pool = AsyncPool(database_url)
    reads = SqlReads(pool)
    (told,) = await reads.generic_keys(of_blocking=False, keys_max=9)
    of_blocking = await reads.generic_keys(of_blocking=True, keys_max=9)
    await reads.close()
    assert (told.type, told.value, told.holders) == ("email", "info@example.org", HOLDERS_MAX + 1)
    assert told.key == identifier_key("email", SCOPE_SHARED, "info@example.org")
    assert [(each.type, each.holders) for each in of_blocking] == [(None, HOLDERS_MAX + 1)]
