"""The two processes of a measured worker: how much each took, and when each record was resolved."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

from services.cli.bench.machine import memory_mb, together_mb
from services.cli.bench.stages import Stages, Threads, TimedLog, TimedStanding, TimedStore
from services.cli.home import Home
from services.cli.landing import hand_of, landing_of, serve_both
from services.identity.adapters.sql.store import SqlStore
from services.identity.ports import Clock, EventLog
from services.identity.store import ResolverStore
from services.identity.store_marks import Mark, MarkKind
from services.resolver.afar import ServedHand
from services.resolver.apart import Apart
from services.resolver.consume import Bounds
from services.resolver.pipe import Served
from services.resolver.side import InTurn

Resolved = Callable[[Sequence[Mark]], None]
"""Called with the marks of every commit that resolved any."""
START = "start"
SPENT = "spent"


class Waits:
    """How long each new record waited, from its append until it was resolved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds: dict[int, float] = {}

    def resolved(self, marks: Sequence[Mark]) -> None:
        now = self._clock.now()
        for mark in marks:
            if mark.kind is MarkKind.MATCHING and mark.subject not in self.seconds:
                self.seconds[mark.subject] = (now - mark.since) / 1e6


class Spent(NamedTuple):
    """What the process that lands came to since it was told to start."""

    landing: Stages
    second: Stages
    cpu_seconds: float
    memory: Mapping[str, int]
    waited: Mapping[int, float]


class MeasuredSide:
    """A landing side that says what its process took."""

    requests = InTurn.requests | {START, SPENT}

    def __init__(self, side: InTurn, threads: Threads, waits: Waits) -> None:
        self._side = side
        self._threads = threads
        self._waits = waits
        self._cpu = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the side has
        return getattr(self._side, name)

    def start(self) -> None:
        self._cpu = time.process_time()
        self._threads.start()

    def spent(self) -> Spent:
        return Spent(
            self._threads.landing.copy(),
            self._threads.second.copy(),
            time.process_time() - self._cpu,
            memory_mb(),
            self._waits.seconds.copy(),
        )


def serve_measured(path: str, bounds: Bounds, landing: Connection, hand: Connection) -> None:
    """The process of a landing side and a second hand, whose model is compiled, on timed ports."""
    home, threads = Home(Path(path)), Threads()
    waits = Waits(home.clock)
    standing = TimedStanding(stages=threads.landing, others=threads.second)
    others = standing.another()
    with closing(SqlStore(home.url)) as store, store.transaction() as tx:
        others.engine(tx)
    with (
        landing_of(
            path,
            bounds,
            standing=standing,
            log_as=lambda log: cast("EventLog", TimedLog(log, threads.landing)),
            store_as=lambda store: timed(store, threads.landing, lambda _: None),
        ) as (side, notes),
        hand_of(
            path,
            bounds,
            standing=others,
            store_as=lambda store: timed(store, threads.second, waits.resolved),
        ) as (second, told),
    ):
        measured = cast("Served", MeasuredSide(side, threads, waits))
        serve_both((landing, measured, notes), (hand, ServedHand(second), told))


def timed(store: ResolverStore, stages: Stages, resolved: Resolved) -> ResolverStore:
    return cast("ResolverStore", TimedStore(store, stages, resolved))


@dataclass(slots=True)
class Halves:
    """Of one worker. `apart` is set once it lands in a process of its own."""

    threads: Threads = field(default_factory=Threads)
    apart: Apart | None = None
    _cpu: float = 0.0
    _theirs: Spent | None = None

    def start(self) -> None:
        self.threads.start()
        if self.apart is not None:
            self.apart.ask(START)
        self._cpu = time.process_time()

    def look(self) -> None:
        """Take in how far the other process is; between two rounds."""
        if self.apart is not None:
            self._theirs = cast("Spent", self.apart.ask(SPENT))

    def all(self) -> Stages:
        return self._measured().all()

    def busy(self) -> Mapping[str, int]:
        return self._measured().busy()

    def cpu_seconds(self) -> float:
        theirs = self._theirs.cpu_seconds if self._theirs is not None else 0.0
        return time.process_time() - self._cpu + theirs

    def memory(self) -> Mapping[str, int]:
        """Of both processes together."""
        theirs = [] if self._theirs is None else [self._theirs.memory]
        return together_mb([memory_mb(), *theirs])

    def waited(self) -> Mapping[int, float]:
        """The seconds of those that were resolved in the other process."""
        return {} if self._theirs is None else self._theirs.waited

    def _measured(self) -> Threads:
        if self._theirs is None:
            return self.threads
        return replace(self.threads, landing=self._theirs.landing, second=self._theirs.second)
