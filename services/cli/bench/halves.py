"""The two halves of a measured worker: how much each took, whether a thread or a process has it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, cast

from services.cli.bench.machine import memory_mb
from services.cli.bench.stages import Stages, Threads, TimedLog, TimedStanding, TimedStore
from services.cli.landing import landing_of
from services.identity.ports import EventLog
from services.identity.store import ResolverStore
from services.resolver.apart import REQUESTS, Apart, serve
from services.resolver.consume import Bounds
from services.resolver.side import InTurn

START = "start"
SPENT = "spent"
_MEASURED = REQUESTS | {START, SPENT}


class Spent(NamedTuple):
    """What a half came to since it was told to start."""

    stages: Stages
    cpu_seconds: float
    memory: Mapping[str, int]


class MeasuredSide:
    """A landing side that says what it took."""

    def __init__(self, side: InTurn, stages: Stages) -> None:
        self._side = side
        self._stages = stages
        self._cpu = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the side has
        return getattr(self._side, name)

    def start(self) -> None:
        self._cpu = time.process_time()
        self._stages.start()

    def spent(self) -> Spent:
        return Spent(self._stages.copy(), time.process_time() - self._cpu, memory_mb())


def serve_measured(path: str, bounds: Bounds, line: Connection) -> None:
    """The process of a landing side, on timed ports."""
    stages = Stages(idle_before="poll")
    with landing_of(
        path,
        bounds,
        standing=TimedStanding(stages=stages),
        log_as=lambda log: cast("EventLog", TimedLog(log, stages)),
        store_as=lambda store: cast("ResolverStore", TimedStore(store, stages, lambda _: None)),
    ) as (side, notes):
        serve(line, cast("InTurn", MeasuredSide(side, stages)), notes, requests=_MEASURED)


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
        mine = memory_mb()
        if self._theirs is None:
            return mine
        return {name: mine[name] + of for name, of in self._theirs.memory.items()}

    def _measured(self) -> Threads:
        if self._theirs is None:
            return self.threads
        return replace(self.threads, landing=self._theirs.stages)
