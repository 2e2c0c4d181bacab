"""One simulation from its seed: the workers among themselves, against one worker alone."""

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from random import Random
from typing import cast

from services.identity.adapters.memory.store import MemoryStore
from services.identity.adapters.sql.engine import connect
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.errors import RejectedError, RetryableError
from services.identity.domain.steward import Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.ports import EventLog
from services.identity.store import ResolverStore, RestartBatch
from services.identity.store_marks import Half
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES, decode
from services.identity.wire.commands import IDENTITY_COMMANDS, read
from services.resolver.backoff import Backoff
from services.resolver.consume import Bounds, Worker, is_caught_up
from services.resolver.hand import Hand
from services.resolver.observe import Silent
from services.resolver.resolution import Resolution
from services.resolver.resolve.burden import BURDEN_MAX
from services.resolver.standing import Standing
from tests.property.order_world import memory_store
from tests.property.sql_home import empty_home
from tests.simulation.actors import SIMULATED, Actor, Crashed
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.schedule import Schedule
from tests.simulation.scorer import MODEL, TableScorer
from tests.simulation.stage import Gate, Stage, lock_order_broken
from tests.simulation.stores import SteppedSqlStore, SteppedStore, Turn
from tests.simulation.tally import Tally
from tests.simulation.verdict import (
    Books,
    State,
    books_of_memory,
    books_of_postgresql,
    faults,
    state_of,
)
from tests.simulation.world import LogOfOne, SimulatedClock, SimulatedLog

FAILED = "failed"
SKEW_MICROS_MAX = 3_600_000_000
_SCORER = TableScorer(MODEL)
_CALLED = {Decision: "decisions", Withdrawal: "withdrawals", ValueWord: "words on values"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`trace` is a hash over every step: equal where the same things happened.

    `own_steps` are those before two workers first waited for one row: who goes then is the
    database's choice, and no seed's.
    """

    seed: int
    faults: tuple[str, ...]
    tally: Tally
    trace: str
    steps: tuple[str, ...]
    own_steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The store that a simulation plays on, and the two ways to look at it."""

    store: MemoryStore | SqlStore
    store_of: Callable[[Actor], object]
    turn: Turn | None
    books: Callable[[], Books]


def simulate(seed: int, *, url: str | None = None) -> Outcome:
    """On PostgreSQL where a URL is given, else in memory."""
    scenario = scenario_of(seed, on_postgresql=url is not None)
    ground = _memory_ground() if url is None else _postgresql_ground(url)
    if url is None:
        return _play(scenario, ground, Stage())
    with (
        closing(ground.store),
        closing(connect(url, autocommit=True)) as monitor,
        closing(connect(url)) as other,
    ):
        return _play(scenario, ground, Stage(monitor, Gate(other)))


def _memory_ground() -> Ground:
    store = memory_store(MODEL)
    return Ground(
        store=store,
        store_of=lambda _: store,
        turn=Turn(),
        books=lambda: books_of_memory(store),
    )


def _postgresql_ground(url: str) -> Ground:
    empty_home(url, MODEL)
    return Ground(
        store=SqlStore(url),
        store_of=lambda actor: SteppedSqlStore(url, actor),
        turn=None,
        books=lambda: books_of_postgresql(url),
    )


def _play(scenario: Scenario, ground: Ground, stage: Stage) -> Outcome:
    tally = Tally(seeds=1)
    clock = SimulatedClock()
    log = SimulatedLog(
        Random(f"log {scenario.seed}"),
        clock,
        scenario.partitions,
        of_commands=scenario.command_partitions,
    )
    crew = _Crew(scenario, ground, log, clock, tally)
    found: list[str] = []
    schedule = Schedule(
        scenario,
        log=log,
        stage=stage,
        tally=tally,
        turn=ground.turn,
        hire=crew.hire,
        is_quiet=lambda: _is_quiet(ground, log),
        check=lambda: found.extend(_faults(scenario, ground, log)),
    )
    try:
        schedule.run()
    except Exception as error:  # noqa: BLE001  # whatever a worker died of is the seed's verdict
        found.append(f"{type(error).__name__}: {error}")
    else:
        found.extend(_faults(scenario, ground, log))
    found.extend(lock_order_broken(stage.deadlocks))
    _count(tally, log, stage)
    return Outcome(
        seed=scenario.seed,
        faults=tuple(found),
        tally=tally,
        trace=hashlib.sha256("\n".join(schedule.trace).encode()).hexdigest(),
        steps=tuple(schedule.trace),
        own_steps=tuple(schedule.trace[: schedule.own_steps]),
    )


def _faults(scenario: Scenario, ground: Ground, log: SimulatedLog) -> Sequence[str]:
    """What does not hold at a rest: everything that was sent so far is landed and resolved."""
    sent = {each.value for found in log.messages.values() for each in found}
    state = state_of(cast("ResolverStore", ground.store))
    return tuple(
        faults(
            _plain(scenario, sent),
            state,
            ground.books(),
            messages=log.messages,
            told=log.told,
            settled=log.settled,
            holders_max=scenario.holders_max,
        )
    )


def _is_quiet(ground: Ground, log: SimulatedLog) -> bool:
    store = cast("ResolverStore", ground.store)
    return is_caught_up(store, cast("EventLog", log)) and not ground.books().unsent


def standing_of(scenario: Scenario) -> Standing:
    return Standing(
        scorer=_SCORER,
        generic_holders_max=scenario.holders_max,
        component_units_max=scenario.units_max,
        component_records_max=scenario.records_max,
        burden_max=BURDEN_MAX if scenario.seed % 3 else 3,  # then batches are done in parts
        pairs_kept_min=1,
    )


def _plain(scenario: Scenario, sent: Collection[bytes | None]) -> State:
    """Each event that was sent once, one worker, nothing goes wrong."""
    store, clock = memory_store(MODEL), SimulatedClock()
    log = SimulatedLog(Random(0), clock, 1, of_commands=1)
    for message in scenario.once:
        if message.value in sent:
            log.append(message)
    log.show_all()
    own = LogOfOne(log, lambda _: None)
    worker = Worker(
        store=store,
        log=cast("EventLog", own),
        clock=clock.of(skew=0),
        bounds=Bounds(poll_ms=0),
        standing=standing_of(scenario),
    )
    log.owners = dict.fromkeys(log.owners, own.consumers[0])
    worker.run_until_caught_up()
    return state_of(store)


class _Crew:
    """Makes workers, each with a connection, a memory and a clock of its own."""

    def __init__(
        self,
        scenario: Scenario,
        ground: Ground,
        log: SimulatedLog,
        clock: SimulatedClock,
        tally: Tally,
    ) -> None:
        self._scenario = scenario
        self._ground = ground
        self._log = log
        self._clock = clock
        self._tally = tally
        self._hired: Counter[int] = Counter()

    def hire(self, slot: int) -> Actor:
        self._hired[slot] += 1
        name = f"w{slot}.{self._hired[slot]}"
        chance = Random(f"{name} {self._scenario.seed}")
        return Actor(name, functools.partial(self._live, chance))

    def _live(self, chance: Random, actor: Actor) -> None:
        store = self._ground.store_of(actor)
        log = LogOfOne(self._log, actor.step)
        stepped = SteppedStore(store, actor, log, self._tally, self._ground.turn)
        clock = self._clock.of(skew=chance.randint(-SKEW_MICROS_MAX, SKEW_MICROS_MAX))
        standing = standing_of(self._scenario)
        pause = functools.partial(_pause, actor)
        worker = Worker(
            store=cast("ResolverStore", stepped),
            log=cast("EventLog", log),
            clock=clock,
            bounds=Bounds(
                messages_max=self._scenario.messages_max,
                marks_max=self._scenario.marks_max,
                poll_ms=0,
            ),
            standing=standing,
            observer=_Counting(self._tally),
            pause=pause,
        )
        hand = Hand(
            cast("ResolverStore", stepped),
            clock=clock,
            standing=standing,
            observer=_Counting(self._tally),
            marks_max=self._scenario.marks_max,
            backoff=Backoff(),
        )
        actor.consumer = log.consumers[0]
        verbs: list[Callable[[], object]] = [
            worker.turn,
            worker.turn,
            functools.partial(worker.land_once, wait=False),
            worker.resolve_once,
            # as two hands of one worker, who meet in the store alone
            *(functools.partial(hand.resolve_once, pause=pause, half=half) for half in Half),
        ]
        try:
            while True:
                actor.step("turn")
                verb = chance.choice(verbs)
                found = _do(verb)
                actor.is_idle = verb == worker.turn and found is False
                actor.has_news = found is not None and found is not False
        finally:
            if isinstance(store, SqlStore):
                store.close()


class _Counting(Silent):
    """Of what a hand tells, what a whole run must have met."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def resolved(self, resolution: Resolution) -> None:
        self._tally.happened["marks left to a later batch"] += resolution.left


def _pause(actor: Actor, seconds: float) -> bool:
    """Simulated time does not pass by itself: others have their turn."""
    del seconds
    actor.step("pause")
    return False


def _do(verb: Callable[[], object]) -> object:
    try:
        return verb()
    except RetryableError:
        return FAILED  # Worker.run goes on, too, after a pause
    except RestartBatch as error:
        if str(error) == SIMULATED:
            raise Crashed from None  # where no restart is looked for, the process ends
        raise


def _heard(log: SimulatedLog) -> Iterator[str]:
    """What each command is, by the words of the tally."""
    for partition, found in log.messages.items():
        for message in found if partition.topic == IDENTITY_COMMANDS else ():
            try:
                yield _CALLED[type(read(message.value or b""))]
            except RejectedError:
                yield "commands refused"


def _count(tally: Tally, log: SimulatedLog, stage: Stage) -> None:
    said = Counter(each.value for found in log.messages.values() for each in found)
    tally.happened["messages"] += said.total()
    tally.happened["duplicates in the log"] += said.total() - len(said)
    tally.happened.update(_heard(log))
    told = Counter((each.topic, each.value) for each in log.told)
    tally.happened["repeats in the feed"] += told.total() - len(told)
    tally.happened["waits for a lock"] += stage.blocked
    tally.deadlocks.update(" with ".join(verbs) for verbs in stage.deadlocks)
    for topic, value in told:
        if topic in {PROFILE_CHANGES, SEGMENT_CHANGES}:
            kind = decode(value or b"").type
            if kind in {"profile.merged", "profile.split", "profile.reanchored"}:
                tally.happened[f"{kind.removeprefix('profile.')} profiles"] += 1
