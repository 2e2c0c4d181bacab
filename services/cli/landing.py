"""A home's landing side and a second hand, in a process of their own: its start, what it runs."""

import multiprocessing
import os
import signal
import threading
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
    from services.resolver.consume import Bounds
    from services.resolver.hand import Hand
    from services.resolver.pipe import Notes, Served
    from services.resolver.side import InTurn, MakeSide
    from services.resolver.standing import Standing

CORES_MIN = 2  # on one core a second process only costs memory
Serve = Callable[[str, "Bounds", Connection, Connection], None]
"""What the process runs: on which home, how much at once, and where its requests come from: those
to the landing side, and those to the hand.
"""
StoreAs = Callable[["ResolverStore"], "ResolverStore"]
"""Wraps a store, to watch it."""


def has_cores() -> bool:
    """Whether a second process would have a core to run on."""
    return len(os.sched_getaffinity(0)) >= CORES_MIN


def apart(home: Home, bounds: "Bounds", serve: Serve | None = None) -> "MakeSide":
    """The landing side of this home and a second hand, in a process that ends with this one."""
    from services.resolver.apart import Apart

    path = str(home.place.file or home.path)

    def launch(landing: Connection, hand: Connection) -> BaseProcess:
        return start_process(_run, serve or _serve, path, bounds, landing, hand)

    return lambda observer: Apart(launch, pipe=multiprocessing.Pipe, observer=observer)


def _run(serve: Serve, path: str, bounds: "Bounds", landing: Connection, hand: Connection) -> None:
    """Signals are for the worker, with whom this process ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    serve(path, bounds, landing, hand)


def _serve(path: str, bounds: "Bounds", landing: Connection, hand: Connection) -> None:
    from services.resolver.afar import ServedHand
    from services.resolver.standing import Standing

    standing = Standing()
    with (
        landing_of(path, bounds, standing=standing) as (side, notes),
        hand_of(path, bounds, standing=standing.another()) as (second, told),
    ):
        serve_both((landing, side, notes), (hand, ServedHand(second), told))


def serve_both(
    landing: tuple[Connection, "Served", "Notes"], hand: tuple[Connection, "Served", "Notes"]
) -> None:
    """Until nobody asks any more of either; the hand in a thread."""
    from services.resolver.pipe import serve

    thread = threading.Thread(target=serve, args=hand, name="hand")
    thread.start()
    serve(*landing)
    thread.join()


@contextmanager
def hand_of(
    path: str,
    bounds: "Bounds",
    *,
    standing: "Standing",
    store_as: StoreAs = lambda store: store,
) -> Iterator[tuple["Hand", "Notes"]]:
    """A home's second hand with what it tells; closed on leaving, with everything that it used."""
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.backoff import Backoff
    from services.resolver.hand import Hand
    from services.resolver.pipe import Notes

    home = Home(Path(path))
    notes, store = Notes(timer=time.monotonic), SqlStore(home.url)
    try:
        hand = Hand(
            store_as(store),
            clock=home.clock,
            standing=standing,
            observer=notes,
            marks_max=bounds.marks_max,
            backoff=Backoff(),
        )
        yield hand, notes
    finally:
        store.close()


@contextmanager
def landing_of(
    path: str,
    bounds: "Bounds",
    *,
    standing: "Standing",
    log_as: Callable[["EventLog"], "EventLog"] = lambda log: log,
    store_as: StoreAs = lambda store: store,
) -> Iterator[tuple["InTurn", "Notes"]]:
    """A home's landing side with what it tells; closed on leaving, with everything that it used.

    `log_as` and `store_as` may wrap its ports.
    """
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.consume import landing_on
    from services.resolver.pipe import Notes

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
