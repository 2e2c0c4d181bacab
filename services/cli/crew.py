"""The processes of a bulk fill: one for every core, each with a worker of its own.

They start before there is work, so that their imports and the compiling of the model cost nobody
time, and stay from landing to resolving. They share the work as the workers of a stream do.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import MappingProxyType

from services.cli.beside import start_process
from services.cli.heap import settle
from services.cli.home import Home
from services.cli.workers import worker_on
from services.identity.domain.errors import RetryableError
from services.resolver.consume import Bounds, Worker

PROCESSES_MAX = 8
BOUNDS = Bounds(messages_max=4_000, marks_max=2_000)
_IDLE_SECONDS = 0.05
_STOP_SECONDS_MAX = 60.0

LAND = "land"  # to the end of the log
RESOLVE = "resolve"  # until nothing is dirty

_WORK: Mapping[str, Callable[[Worker], int]] = MappingProxyType(
    {LAND: Worker.land_until_end, RESOLVE: Worker.resolve_until_clean}
)


class Crew:
    """Processes that land what comes, until they are told what to do next."""

    def __init__(self, lines: list[Connection]) -> None:
        self._lines = lines

    def do(self, order: str) -> None:
        """The same work in every process; returns when all have done it.

        Raises RuntimeError when a process failed; its error stands on standard error.
        """
        try:
            for line in self._lines:
                line.send(order)
            for line in self._lines:
                line.recv()
        except (EOFError, OSError):
            raise RuntimeError("a process of the fill failed; its error stands above") from None


@contextmanager
def crew(home: Home) -> Iterator[Crew]:
    """Ends the processes on leaving; what a process has in hand it finishes first."""
    lines: list[Connection] = []
    processes: list[SpawnProcess] = []
    try:
        for _ in range(min(os.cpu_count() or 1, PROCESSES_MAX)):
            ours, theirs = Pipe()
            process = start_process(_serve, str(home.path), theirs)
            theirs.close()  # so that the line ends with its process
            lines.append(ours)
            processes.append(process)
        yield Crew(lines)
    finally:
        for line in lines:
            line.close()
        for process in processes:
            process.join(_STOP_SECONDS_MAX)


def _serve(path: str, line: Connection) -> None:
    """Land what comes; do what is ordered; end when nobody orders any more."""
    home = Home(Path(path))
    settle()
    with worker_on(home, bounds=BOUNDS) as worker:
        while True:
            _land_until_ordered(worker, line)
            try:
                order = line.recv()
            except EOFError:
                return
            _WORK[order](worker)
            line.send(order)


def _land_until_ordered(worker: Worker, line: Connection) -> None:
    while not line.poll():
        try:
            landing = worker.land_once(wait=False)
        except RetryableError:  # the crew is still sharing the partitions out; offsets hold
            landing = None
        if landing is None:
            line.poll(_IDLE_SECONDS)
