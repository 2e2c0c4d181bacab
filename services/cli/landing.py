"""A home's landing side in a process of its own: how it is started, and what it runs."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.beside import start_process
from services.cli.heap import settle
from services.cli.home import Home

if TYPE_CHECKING:  # the resolver's libraries are not installed where only another service runs
    from services.identity.ports import EventLog
    from services.identity.store import ResolverStore
    from services.resolver.apart import Notes
    from services.resolver.consume import Bounds
    from services.resolver.side import InTurn, MakeSide
    from services.resolver.standing import Standing

CORES_MIN = 2  # on one core a second process only costs memory
Serve = Callable[[str, "Bounds", Connection], None]
"""What the process runs: on which home, how much at once, and where its requests come from."""


def has_cores() -> bool:
    """Whether a second process would have a core to run on."""
    return len(os.sched_getaffinity(0)) >= CORES_MIN


def apart(home: Home, bounds: "Bounds", serve: Serve | None = None) -> "MakeSide":
    """The landing side of this home, in a process that ends with the one at hand."""
    from services.resolver.apart import Apart

    path = str(home.place.file or home.path)

    def launch(line: Connection) -> BaseProcess:
        return start_process(_run, serve or serve_landing, path, bounds, line)

    return lambda observer: Apart(launch, pipe=multiprocessing.Pipe, observer=observer)


def _run(serve: Serve, path: str, bounds: "Bounds", line: Connection) -> None:
    """Signals are for the worker, with whom this process ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    serve(path, bounds, line)


def serve_landing(path: str, bounds: "Bounds", line: Connection) -> None:
    from services.resolver.apart import serve
    from services.resolver.standing import Standing

    with landing_of(path, bounds, standing=Standing()) as (side, notes):
        serve(line, side, notes)


@contextmanager
def landing_of(
    path: str,
    bounds: "Bounds",
    *,
    standing: "Standing",
    log_as: Callable[["EventLog"], "EventLog"] = lambda log: log,
    store_as: Callable[["ResolverStore"], "ResolverStore"] = lambda store: store,
) -> Iterator[tuple["InTurn", "Notes"]]:
    """A home's landing side with what it tells; closed on leaving, with everything that it used.

    `log_as` and `store_as` may wrap its ports.
    """
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.apart import Notes
    from services.resolver.consume import landing_on

    home = Home(Path(path))
    notes = Notes(timer=time.monotonic)
    log, store = home.log(), SqlStore(home.url)
    settle()
    try:
        side = landing_on(
            store_as(store),
            log_as(log),
            clock=home.clock,
            standing=standing,
            observer=notes,
            bounds=bounds,
        )
        try:
            yield side, notes
        finally:
            side.close()
    finally:
        store.close()
        log.close()
