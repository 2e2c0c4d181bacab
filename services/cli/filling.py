"""`plait load --bulk`: land and resolve a whole base, with a process for every core."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.cli.heap import settle
from services.cli.home import Home
from services.cli.output import Progress, tell
from services.identity.adapters.sql.bulk import bulk_transaction
from services.identity.adapters.sql.store import SqlStore
from services.resolver.bulk import connect_base
from services.resolver.consume import Bounds, Worker
from services.resolver.standing import Standing

PROCESSES_MAX = 8
BOUNDS = Bounds(messages_max=4_000, marks_max=2_000)


def fill(home: Home, progress: Progress) -> dict[str, Any]:
    """Land in parallel, connect the whole base at once, cluster and tell in parallel."""
    _in_parallel(home, _land)
    progress(1)
    store = SqlStore(home.url)
    with store.transaction() as tx:
        engine = Standing().engine(tx)
    store.close()
    with bulk_transaction(home.url) as bulk:
        filled = connect_base(bulk, engine, at=home.clock.now(), progress=tell)
    progress(1)
    _in_parallel(home, _resolve)
    progress(1)
    return {
        "records": filled.records,
        "pairs": filled.pairs,
        "edges": filled.edges,
        "components": filled.components,
        "generic_keys": filled.generic_keys,
    }


def _land(path: str) -> None:
    home = Home(Path(path))
    with _worker(home) as worker:
        worker.land_until_end()


def _resolve(path: str) -> None:
    home = Home(Path(path))
    with _worker(home) as worker:
        worker.resolve_until_clean()


@contextmanager
def _worker(home: Home) -> Iterator[Worker]:
    settle()
    log, store = home.log(), SqlStore(home.url)
    worker = Worker(store=store, log=log, clock=home.clock, bounds=BOUNDS)
    try:
        yield worker
    finally:
        worker.close()
        store.close()
        log.close()


def _in_parallel(home: Home, work: Callable[[str], None]) -> None:
    """The same work in every process; they share it as the workers of a stream do."""
    count = min(os.cpu_count() or 1, PROCESSES_MAX)
    context = multiprocessing.get_context("spawn")  # threads of DuckDB and Polars survive no fork
    processes = [context.Process(target=work, args=(str(home.path),)) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process of the fill failed; its error stands above")
