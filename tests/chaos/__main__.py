"""Kill resolvers, broker and database under load, then compare: `python -m tests.chaos [SEED]`.

The seed gives the load, the moments of the kills and the order of the outages; what each of them
hits depends on the machine. Exit code 1 where something did not hold.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.home import Home
from services.cli.running import running_process
from services.identity.adapters.kafka import broker
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.errors import RetryableError
from services.resolver.consume import is_caught_up
from tests.chaos.outages import KINDS, Outages
from tests.chaos.senders import Senders, requests_of
from tests.chaos.site import Site, wait_until
from tests.chaos.tally import Tally
from tests.chaos.verdict import judge
from tests.chaos.workers import READY_SECONDS_MAX, Slot

RESOLVERS = 3
KILLS = 30  # of each of them
OUTAGES = 8
KILLS_MIN = 30  # of all: with fewer before the time is up, nothing was shown
EVENTS_PER_SECOND = 100.0
KILL_SECONDS_MAX = 540.0  # with what comes after it, less than a quarter of an hour
PROGRESS_SECONDS = 10.0
EVENTS_PER_PERSON = 2.5  # about
SETTLE_SECONDS_MAX = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much chaos. `kills` is of each of the resolvers."""

    seed: int
    kills: int
    outages: int
    per_second: float


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, help="play this one again")
    parser.add_argument("--kills", type=int, default=KILLS, help="of each resolver")
    parser.add_argument("--outages", type=int, default=OUTAGES)
    parser.add_argument("--rate", type=float, default=EVENTS_PER_SECOND, help="events a second")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a run that failed")
    given = parser.parse_args(arguments)
    missing = broker.what_is_missing()
    if missing is not None:
        say(f"no chaos without a real broker. {missing}")
        return 1
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    plan = Plan(seed=seed, kills=given.kills, outages=given.outages, per_second=given.rate)
    say(f"seed {seed}; again: CHAOS_SEED={seed} make chaos")
    folder = Path(tempfile.mkdtemp(prefix="plait-chaos-"))
    begun, tally = time.monotonic(), Tally()
    faults = run(plan, folder, tally)
    say(*tally.lines())
    for fault in faults:
        say(f"BROKEN {fault}")
    verdict = "nothing lost, nothing twice" if not faults else f"{len(faults)} things broken"
    seconds = time.monotonic() - begun
    kills = tally.total("kills of ")
    say(f"{verdict}: {kills} kills, {tally.total('times the ')} outages, {seconds:.0f} s, {seed=}")
    if faults and given.keep:
        say(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if faults else 0


def run(plan: Plan, folder: Path, tally: Tally) -> list[str]:
    """What did not hold. Everything that was started has ended."""
    site = Site(folder)
    try:
        home, again = site.home("chaos"), site.home("again")
        for each in (home, again):
            each.ensure_default_sources()
            each.log().close()
        try:
            promised = _suffer(plan, site, home, tally)
            say("settled; comparing with a single process")
            return [*tally.faults(), *judge(home, again, tally, promised=promised)]
        except RetryableError as error:
            return [*tally.faults(), str(error)]
    finally:
        site.close()


def _suffer(plan: Plan, site: Site, home: Home, tally: Tally) -> set[tuple[str, str]]:
    """Load, kills and outages; then peace, until everything is resolved. What was promised."""
    ingest = site.run(home, "ingest", log=site.folder / "ingest.log")
    slots = [
        Slot(site, home, tally, number=number, seed=plan.seed) for number in range(1, RESOLVERS + 1)
    ]
    try:
        wait_until(
            lambda: running_process(home.path, ingest.pid) is not None,
            "ingest is ready",
            seconds_max=READY_SECONDS_MAX,
        )
        running = running_process(home.path, ingest.pid)
        assert running is not None
        people = round(plan.per_second * KILL_SECONDS_MAX / EVENTS_PER_PERSON)
        senders = Senders(
            running.ingest,
            home.keys(),
            tally,
            requests=requests_of(people, plan.seed),
            per_second=plan.per_second,
            seed=plan.seed,
        )
        _kill(plan, site, slots, senders, tally)
        _settle(home, slots)
        return senders.promised
    finally:
        for slot in slots:
            slot.halt.set()
        for slot in slots:
            if slot.ident is not None:
                slot.join()
            slot.stop()
        ingest.terminate()
        ingest.wait()


def _kill(plan: Plan, site: Site, slots: Sequence[Slot], senders: Senders, tally: Tally) -> None:
    """Until each has died often enough. Raises RetryableError when that takes too long."""

    def done() -> float:
        return min(slot.kills for slot in slots) / plan.kills

    outages = Outages(site, tally, due=done, number=plan.outages, seed=plan.seed)
    senders.start()
    for thread in (*slots, outages):
        thread.start()
    begun = told_at = time.monotonic()
    while (done() < 1 or outages.is_alive()) and not tally.faults():
        time.sleep(0.2)
        now = time.monotonic()
        if now - told_at > PROGRESS_SECONDS:
            told_at = now
            each = " + ".join(str(slot.kills) for slot in slots)
            say(
                f"{now - begun:.0f} s: {each} kills, {tally.total('times the ')} outages,"
                f" {len(senders.promised):,} events promised"
            )
        if now - begun > KILL_SECONDS_MAX:
            say("time is up; this machine is slow or busy")
            for fault in too_little(plan, [slot.kills for slot in slots], tally):
                tally.fault(fault)
            break
    senders.join()
    outages.halt.set()
    outages.join()
    for slot in slots:
        slot.halt.set()
    for slot in slots:
        slot.join()


def too_little(plan: Plan, kills: Sequence[int], tally: Tally) -> Iterator[str]:
    """What was not shown when the time was up: it is a fault of the run, not of what was run."""
    enough = min(KILLS_MIN, plan.kills * len(kills))
    if sum(kills) < enough or not all(kills):
        each = " + ".join(map(str, kills))
        yield f"only {each} kills in {KILL_SECONDS_MAX:.0f} s: {enough} are wanted, some of each"
    for what in ("broker", "database"):
        if plan.outages >= len(KINDS) and not tally.total(f"times the {what} "):
            yield f"the {what} never went away"


def _settle(home: Home, slots: Sequence[Slot]) -> None:
    """The processes that are left land, resolve and tell what remains."""
    say("the last kill; waiting for the resolvers that are left")
    log, store = home.log(), SqlStore(home.url)

    def is_settled() -> bool:
        with home.connection() as connection:
            (unsent,) = connection.execute("SELECT count(*) FROM outbox").fetchone() or (0,)
        return unsent == 0 and is_caught_up(store, log)

    try:
        wait_until(is_settled, f"settled; {slots[0].last_words()}", seconds_max=SETTLE_SECONDS_MAX)
    finally:
        store.close()
        log.close()


def say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
