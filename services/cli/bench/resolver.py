"""`plait bench resolver`: records a second at a given base, and from event to profile."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.bench import worker
from services.cli.bench.base import SEED, fill_base, home_folder
from services.cli.bench.events import Record, identifies, mixed, record_of
from services.cli.bench.people import People, Row
from services.cli.bench.report import note
from services.cli.home import Home
from services.identity.ports import OutgoingMessage

WARM_RECORDS = 500
BATCHES = ((500, 1), (100, 5), (10, 50))  # size, and the part of the records measured with it
RECORDS_MIN = 10
VISITS_A_RECORD = 5  # messages of the mixed stream for each of its new records


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`per_second` is the rate at which latency is measured, for so many `seconds`.

    `train`: the base is resolved by a model of its own instead of the shipped one.
    """

    base: int
    records: int
    per_second: float
    seconds: float
    train: bool = False


def bench_resolver(kept: Path | None, sizes: Sizes) -> dict[str, Any]:
    """The figures. The worker has a process of its own, and so has who appends to the log."""
    with home_folder(kept) as folder:
        home = Home(folder)
        people = People(SEED)
        base = fill_base(home, people, sizes.base, train=sizes.train)
        context = multiprocessing.get_context("spawn")  # threads survive no fork
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as beside:
            run = _Run(home, people, base["run"], beside, sizes)
            figures: dict[str, Any] = {"bulk": base}
            run.drain("warm-up", min(WARM_RECORDS, sizes.records), WARM_RECORDS)
            for batch, part in BATCHES:
                figures[f"new_records_in_batches_of_{batch}"] = run.drain(
                    "new records", max(RECORDS_MIN, sizes.records // part), batch
                )
            figures["mixed_stream_in_batches_of_500"] = run.mixed(sizes.records // VISITS_A_RECORD)
            figures["event_to_profile"] = run.follow()
        return figures


class _Run:
    """One run over a base: its new records, numbered through."""

    def __init__(
        self, home: Home, people: People, run: int, beside: ProcessPoolExecutor, sizes: Sizes
    ) -> None:
        self._path = str(home.path)
        self._clock = home.clock
        self._run = run
        self._beside = beside
        self._sizes = sizes
        followed = round(sizes.per_second * sizes.seconds)
        drained = sum(max(RECORDS_MIN, sizes.records // part) for _, part in BATCHES)
        note("inventing new records")
        self._rows = people.newcomers(
            WARM_RECORDS + drained + sizes.records // VISITS_A_RECORD + followed, run=run
        )
        self._used = 0
        self._known: list[Record] = []

    def drain(self, title: str, records: int, batch: int) -> dict[str, Any]:
        rows, first = self._take(records)
        messages = identifies(rows, run=self._run, first=first, at=self._clock.now())
        self._known += [
            record_of(row, run=self._run, number=number)
            for number, row in enumerate(rows, start=first)
        ]
        return self._drain(f"{title}: {records:,} in batches of {batch}", messages, batch)

    def mixed(self, records: int) -> dict[str, Any]:
        rows, first = self._take(records)
        messages = mixed(rows, self._known, run=self._run, first=first, at=self._clock.now())
        return self._drain(f"80 % visits: {len(messages):,} events", messages, BATCHES[0][0])

    def follow(self) -> dict[str, Any]:
        rows, first = self._take(round(self._sizes.per_second * self._sizes.seconds))
        messages = identifies(rows, run=self._run, first=first, at=self._clock.now())
        note(f"latency at {self._sizes.per_second:g} events/s for {self._sizes.seconds:g} s")
        return self._ask(worker.follow, self._path, messages, self._sizes.per_second)

    def _take(self, records: int) -> tuple[list[Row], int]:
        first = self._used
        self._used += records
        return self._rows[first : self._used], first

    def _drain(self, title: str, messages: list[OutgoingMessage], batch: int) -> dict[str, Any]:
        note(title)
        worker.append(self._path, messages)
        return self._ask(worker.drain, self._path, len(messages), batch)

    def _ask(self, work: Callable[..., dict[str, Any]], *args: object) -> dict[str, Any]:
        return self._beside.submit(work, *args).result()
