"""The measured worker, in a process of its own: it drains a backlog, or follows a steady stream.

The functions run in that process, take and give plain values, and open and close what they use.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from services.cli.bench.halves import Halves, Resolved, Waits, serve_measured, timed
from services.cli.bench.report import rate, spread_ms
from services.cli.bench.stages import TimedLog, TimedStanding
from services.cli.beside import start_process
from services.cli.heap import settle
from services.cli.home import Home
from services.cli.landing import apart, has_cores
from services.identity.adapters.sql.store import SqlStore
from services.identity.ports import EventLog, OutgoingMessage
from services.identity.store import ResolverStore
from services.resolver.apart import Apart
from services.resolver.consume import Bounds, Worker, is_landed

STAND_STILL_SECONDS_MAX = 120.0  # a worker that does nothing for so long has failed
FOLLOW_GRACE_SECONDS = 60.0
MARKS_PER_MESSAGE = 2


class WorkerStoppedError(Exception):
    """The worker stood still before everything was resolved."""


def append(path: str, messages: Sequence[OutgoingMessage]) -> float:
    """Append a backlog; the seconds it took."""
    begun = time.perf_counter()
    log = Home(Path(path)).log()
    producer = log.producer()
    for start in range(0, len(messages), 2_000):
        producer.append(messages[start : start + 2_000])
    producer.close()
    log.close()
    return time.perf_counter() - begun


def drain(path: str, messages: int, batch: int) -> dict[str, Any]:
    """Land and resolve a backlog of so many messages, in batches."""
    halves = Halves()
    with _worker(path, halves, batch, lambda _: None) as (worker, store, log):
        begun = last = _first_batch(worker, halves)
        while True:
            if worker.turn():
                last = time.perf_counter()
            if _is_done(store, log):
                break
            if time.perf_counter() - last > STAND_STILL_SECONDS_MAX:
                raise WorkerStoppedError
        halves.look()
        done, busy, spent = halves.all(), halves.busy(), halves.cpu_seconds()
        memory = halves.memory()
    sizes = done.sizes
    records = max(1, sizes["take_marks"] or sizes["add_records"])
    pairs = sizes["score"] + sizes["weigh"]
    return {
        "messages": messages,
        "seconds": round(last - begun, 2),
        "messages_per_second": rate(messages, last - begun),
        "worker_cpu_percent": round(spent / (last - begun) * 100),
        "worker_cpu_us_per_message": round(spent / messages * 1e6),
        "new_records": sizes["add_records"],
        "keys_per_new_record": round(sizes["add_keys"] / max(1, sizes["add_records"]), 2),
        "pairs_per_new_record": round(pairs / max(1, sizes["add_records"]), 2),
        "edges_per_new_record": round(sizes["put_edges"] / max(1, sizes["add_records"]), 2),
        "profiles_per_record": round(sizes["put_profiles"] / records, 2),
        "memory_mb": memory,
        "side_busy_percent": busy,
        "stages": done.table(messages),
    }


def _first_batch(worker: Worker, halves: Halves) -> float:
    """Land it. The clock as it was at its poll: to join a group of Kafka takes a while."""
    give_up_at = time.monotonic() + STAND_STILL_SECONDS_MAX
    while time.monotonic() < give_up_at:
        halves.start()
        begun = time.perf_counter()
        if worker.land_once(wait=True) is not None:
            return begun
    raise WorkerStoppedError


def _is_done(store: ResolverStore, log: EventLog) -> bool:
    """Landed and resolved; what is too large for a batch may still wait for a worker at rest.

    In this order: a round that goes on meanwhile may leave the last marks.
    """
    if not is_landed(store, log):
        return False
    with store.transaction() as tx:
        return tx.oldest_mark() is None


def follow(path: str, messages: Sequence[OutgoingMessage], per_second: float) -> dict[str, Any]:
    """Resolve new records while they arrive at a fixed rate; from append to commit of each."""
    halves, waits = Halves(), Waits(Home(Path(path)).clock)
    with _worker(path, halves, Bounds().messages_max, waits.resolved) as (worker, store, log):
        halves.start()  # answered once the other process is there
        sender = start_process(send_at_rate, path, messages, per_second)
        halves.start()
        give_up_at = time.monotonic() + len(messages) / per_second + FOLLOW_GRACE_SECONDS
        begun, turns = time.perf_counter(), 0
        while time.monotonic() < give_up_at:
            turns += worker.turn()
            resolved = len(waits.seconds)
            if resolved >= len(messages) or (not sender.is_alive() and _is_done(store, log)):
                break
        halves.look()
        seconds = {**halves.waited(), **waits.seconds}
        spent = halves.cpu_seconds() / (time.perf_counter() - begun)
        memory = halves.memory()
        sender.join(FOLLOW_GRACE_SECONDS)
    return {
        "wanted_per_second": per_second,
        "latency_ms": spread_ms(list(seconds.values())),
        "messages_per_turn": round(len(messages) / max(1, turns), 1),
        "worker_cpu_percent": round(spent * 100),
        "memory_mb": memory,
        "side_busy_percent": halves.busy(),
        "stages": halves.all().table(len(messages)),
    }


def send_at_rate(path: str, messages: Sequence[OutgoingMessage], per_second: float) -> None:
    """Each message at its moment; late ones at once, in one append, as ingest does it."""
    log = Home(Path(path)).log()
    producer = log.producer()
    idle = threading.Event()
    begun = time.perf_counter()
    sent = 0
    while sent < len(messages):
        idle.wait(max(0.0, begun + sent / per_second - time.perf_counter()))
        due = math.ceil((time.perf_counter() - begun) * per_second)
        producer.append(messages[sent : max(due, sent + 1)])
        sent = max(due, sent + 1)
    producer.close()
    log.close()


@contextmanager
def _worker(
    path: str, halves: Halves, batch: int, resolved: Resolved
) -> Iterator[tuple[Worker, ResolverStore, EventLog]]:
    """A worker on timed ports whose model is compiled, and the bare store and log beside it.

    As `plait run resolver` has it: where there is a core for it, it lands in a process of its own,
    with a second hand for large batches.
    """
    home, stages, is_apart = Home(Path(path)), halves.threads, has_cores()
    bounds = Bounds(messages_max=batch, marks_max=batch * MARKS_PER_MESSAGE)
    side = apart(home, bounds, serve_measured) if is_apart else None
    log, store = home.log(), SqlStore(home.url)
    other = None if is_apart else SqlStore(home.url)
    standing = TimedStanding(stages=stages.resolving, others=stages.landing)
    with store.transaction() as tx:
        standing.engine(tx)
    settle()  # as the service does
    worker = Worker(
        store=timed(store, stages.resolving, resolved),
        beside=timed(other, stages.landing, resolved) if other is not None else None,
        log=cast("EventLog", TimedLog(log, stages.landing)),
        landing=side,
        clock=home.clock,
        bounds=bounds,
        standing=standing,
    )
    halves.apart = worker.side if isinstance(worker.side, Apart) else None
    beside = SqlStore(home.url)
    try:
        yield worker, beside, log
    finally:
        worker.close()
        beside.close()
        if other is not None:
            other.close()
        store.close()
        log.close()
