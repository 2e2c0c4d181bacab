"""Many simulations, or one again by its seed: `python -m tests.simulation [SEED ...]`.

Exit code 1 where something did not hold, or where one of the things that are to be survived never
happened in a whole run.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from services.identity.adapters.embedded import server
from services.identity.adapters.sql.engine import connect, create_schema
from tests.simulation.run import Outcome, simulate
from tests.simulation.tally import Tally, never_happened

SEEDS = 1_000
SEEDS_ON_POSTGRESQL = 100
PROGRESS_SECONDS = 10.0
FAULTS_SHOWN_MAX = 12


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help="these seeds only, on both stores")
    parser.add_argument("--memory", type=int, default=SEEDS, metavar="COUNT")
    parser.add_argument("--postgresql", type=int, default=SEEDS_ON_POSTGRESQL, metavar="COUNT")
    parser.add_argument("--steps", action="store_true", help="print every step")
    given = parser.parse_args(arguments)
    is_right = _play("memory", given.seeds or range(given.memory), None, given)
    if given.seeds or given.postgresql:
        with _database() as url:
            seeds = given.seeds or range(given.postgresql)
            is_right &= _play("postgresql", seeds, url, given)
    return 0 if is_right else 1


def _play(ground: str, seeds: Sequence[int], url: str | None, given: argparse.Namespace) -> bool:
    total, failed = Tally(), 0
    began = told_at = time.monotonic()
    for done, seed in enumerate(seeds):
        if time.monotonic() - told_at > PROGRESS_SECONDS:
            told_at = time.monotonic()
            _say(f"{ground}: {done:,} of {len(seeds):,} seeds, {told_at - began:.0f} s")
        outcome = simulate(seed, url=url)
        total.add(outcome.tally)
        failed += bool(outcome.faults)
        _tell(ground, outcome, shows_steps=given.steps)
    seconds = time.monotonic() - began
    _say(f"{ground}: {failed} seeds failed in {seconds:.0f} s", *total.lines())
    missing = [] if given.seeds else sorted(never_happened(total, ground))
    for name in missing:
        _say(f"{ground}: not once in {total.seeds:,} seeds: {name}; nothing is shown about it")
    return not failed and not missing


def _tell(ground: str, outcome: Outcome, *, shows_steps: bool) -> None:
    if shows_steps:
        _say(*outcome.steps)
    for fault in outcome.faults[:FAULTS_SHOWN_MAX]:
        _say(f"{ground}: seed {outcome.seed}: {fault}")
    if outcome.faults:
        _say(f"{ground}: {len(outcome.faults)} faults; again: SIM_SEED={outcome.seed} make sim")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _database() -> Iterator[str]:
    """A server of its own, gone afterwards: its data need not reach the disk."""
    with tempfile.TemporaryDirectory(prefix="plait-simulation-") as folder:
        url = server.start(Path(folder))
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            with connect(url) as connection:
                create_schema(connection)
            yield url
        finally:
            server.stop(Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
