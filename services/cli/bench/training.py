"""`plait bench train`: what learning a model takes in time and memory, as a process of its own."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.bench.base import SEED, home_folder, write_base
from services.cli.bench.machine import memory_mb
from services.cli.bench.people import People
from services.cli.bench.report import note, rate
from services.cli.home import Home
from services.cli.loading import load_into, require_empty
from services.cli.model import land_unread

_LOOK_SECONDS = 0.05
_STDERR_SHOWN = 2_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a command printed, and what its process took; `rss_max` is the most it ever held."""

    document: dict[str, Any]
    seconds: float
    cpu_seconds: float
    rss_max: int


def bench_training(kept: Path | None, records: int) -> dict[str, Any]:
    """Invented people are landed, then `plait train` learns from them; nothing is resolved."""
    with home_folder(kept) as folder:
        home = Home(folder)
        require_empty(home)
        note(f"inventing {records:,} records")
        file, mapping = write_base(home.path, People(SEED), records)
        note("landing them")
        begun = time.perf_counter()
        load_into(
            home,
            file,
            source="base",
            mapping=mapping,
            bulk=False,
            at=home.clock.now(),
            again=False,
        )
        file.unlink()
        land_unread(home)
        landing = time.perf_counter() - begun
        note("training")
        found = measure("train", "--home", str(folder), "--json")
        return {
            "landed_per_second": rate(records, landing),
            "seconds": round(found.seconds, 1),
            "seconds_of_training": found.document["seconds_of_training"],
            "cpu_seconds": round(found.cpu_seconds, 1),
            "memory_mb": {"rss_max": found.rss_max},
            "model": _model(found.document["report"]),
        }


def _model(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "records": report["records"],
        "records_trained_on": report["records_trained_on"],
        "comparisons": len(report["comparisons"]),
        "keys": len(report["keys"]),
        "pairs_per_record": report["pairs_per_record"],
    }


def measure(*command: str) -> Measured:
    """Run one `plait` command that prints JSON.

    Raises RuntimeError when it fails, with the end of what it said.
    """
    begun, before = time.perf_counter(), os.times()
    process = subprocess.Popen(  # noqa: S603  # our own command with our own arguments
        [sys.executable, "-m", "services.cli", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    rss_max = 0
    while True:
        try:
            output, errors = process.communicate(timeout=_LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            rss_max = max(rss_max, _most_held(process.pid))
    if process.returncode:
        raise RuntimeError(errors.decode(errors="replace")[-_STDERR_SHOWN:])
    after = os.times()
    return Measured(
        document=json.loads(output),
        seconds=time.perf_counter() - begun,
        cpu_seconds=after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        rss_max=rss_max,
    )


def _most_held(pid: int) -> int:
    """In MB; 0 once the process is at its end."""
    try:
        return memory_mb(pid)["rss_max"]
    except (OSError, KeyError):
        return 0
