"""`plait bench resolver`: records a second at a given base, and from event to profile."""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from services.cli.bench import worker
from services.cli.bench.base import SEED, fill_base, home_folder
from services.cli.bench.events import Record, identifies, mixed, record_of
from services.cli.bench.people import People, Row
from services.cli.bench.recluster import recluster
from services.cli.bench.report import note
from services.cli.bench.two_logs import EMBEDDED, KAFKA, TwoLogs, side_by_side
from services.cli.beside import process_pool
from services.cli.home import Home
from services.identity.ports import OutgoingMessage
from services.linkage.model import Key

WARM_RECORDS = 500
BATCHES = ((1_500, 1), (100, 5), (10, 50))  # size, and the part of the records measured with it
RECORDS_MIN = 10
VISITS_A_RECORD = 5  # messages of the mixed stream for each of its new records


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`per_second` is the rate at which latency is measured, for so many `seconds`.

    `train`: the base is resolved by a model of its own instead of the shipped one. `keys`: blocking
    keys more than the model has.
    """

    base: int
    records: int
    per_second: float
    seconds: float
    train: bool = False
    keys: tuple[Key, ...] = ()


def bench_resolver(kept: Path | None, sizes: Sizes, *, kafka: str | None = None) -> dict[str, Any]:
    """The figures; with `kafka` of both logs, one after the other at each figure."""
    with home_folder(kept) as folder:
        home = Home(folder)
        people = People(SEED)
        base = fill_base(home, people, sizes.base, train=sizes.train, keys=sizes.keys)
        names = (home.log_name(),) if kafka is None else (EMBEDDED, KAFKA)
        rows = _Rows(people, sizes, run=base["run"], logs=len(names))
        with ExitStack() as stack:
            runs = {name: _Run(home, rows, sizes, _process(stack)) for name in names}
            before = {"bulk": base, "recluster": recluster(home)}
            if kafka is not None:
                return before | _both(TwoLogs(home, kafka), runs)
            (run,) = runs.values()
            run.warm_up()
            return before | {name: measure(run) for name, measure in FIGURES.items()}


def _process(stack: ExitStack) -> ProcessPoolExecutor:
    """The worker has a process of its own, and so has who appends to the log."""
    return stack.enter_context(process_pool(1))


def _both(logs: TwoLogs, runs: Mapping[str, "_Run"]) -> dict[str, Any]:
    """A figure on one log, then on the other: what else the machine does meets both."""
    found: dict[str, dict[str, Any]] = {name: {} for name in runs}
    try:
        for name, run in runs.items():
            logs.use(name)
            run.warm_up()
        for figure, measure in FIGURES.items():
            for name, run in runs.items():
                logs.use(name)
                note(f"on the {name} log")
                found[name][figure] = measure(run)
    finally:
        logs.use(EMBEDDED)
    return {**found, "side_by_side": side_by_side(found[EMBEDDED], found[KAFKA])}


class _Rows:
    """New records of one run over a base, numbered through; each is given out once."""

    def __init__(self, people: People, sizes: Sizes, *, run: int, logs: int) -> None:
        followed = round(sizes.per_second * sizes.seconds)
        drained = sum(max(RECORDS_MIN, sizes.records // part) for _, part in BATCHES)
        each = WARM_RECORDS + drained + sizes.records // VISITS_A_RECORD + followed
        note("inventing new records")
        self.run = run
        self._rows = people.newcomers(each * logs, run=run)
        self._used = 0

    def take(self, records: int) -> tuple[list[Row], int]:
        first = self._used
        self._used += records
        return self._rows[first : self._used], first


class _Run:
    """What is measured on one log."""

    def __init__(self, home: Home, rows: _Rows, sizes: Sizes, beside: ProcessPoolExecutor) -> None:
        self._path = str(home.path)
        self._clock = home.clock
        self._rows = rows
        self._beside = beside
        self._sizes = sizes
        self._known: list[Record] = []

    def warm_up(self) -> None:
        self._new("warm-up", min(WARM_RECORDS, self._sizes.records), WARM_RECORDS)

    def drain(self, batch: int, part: int) -> dict[str, Any]:
        return self._new("new records", max(RECORDS_MIN, self._sizes.records // part), batch)

    def mixed(self) -> dict[str, Any]:
        rows, first = self._rows.take(self._sizes.records // VISITS_A_RECORD)
        run = self._rows.run
        messages = mixed(rows, self._known, run=run, first=first, at=self._clock.now())
        return self._drain(f"80 % visits: {len(messages):,} events", messages, BATCHES[0][0])

    def follow(self) -> dict[str, Any]:
        rows, first = self._rows.take(round(self._sizes.per_second * self._sizes.seconds))
        messages = identifies(rows, run=self._rows.run, first=first, at=self._clock.now())
        note(f"latency at {self._sizes.per_second:g} events/s for {self._sizes.seconds:g} s")
        return self._ask(worker.follow, self._path, messages, self._sizes.per_second)

    def _new(self, title: str, records: int, batch: int) -> dict[str, Any]:
        rows, first = self._rows.take(records)
        run = self._rows.run
        messages = identifies(rows, run=run, first=first, at=self._clock.now())
        self._known += [
            record_of(row, run=run, number=number) for number, row in enumerate(rows, start=first)
        ]
        return self._drain(f"{title}: {records:,} in batches of {batch}", messages, batch)

    def _drain(self, title: str, messages: list[OutgoingMessage], batch: int) -> dict[str, Any]:
        note(title)
        worker.append(self._path, messages)
        return self._ask(worker.drain, self._path, len(messages), batch)

    def _ask(self, work: Callable[..., dict[str, Any]], *args: object) -> dict[str, Any]:
        return self._beside.submit(work, *args).result()


FIGURES: Mapping[str, Callable[[_Run], dict[str, Any]]] = {
    **{
        f"new_records_in_batches_of_{batch}": partial(_Run.drain, batch=batch, part=part)
        for batch, part in BATCHES
    },
    "mixed_stream_in_batches_of_1500": _Run.mixed,
    "event_to_profile": _Run.follow,
}
"""By name, in the order in which they are measured."""
