"""Broker and database go away, killed or stopped, and come back, in an order of the seed."""

import random
import threading
import time
from collections.abc import Callable, Sequence

from tests.chaos.site import Site
from tests.chaos.tally import Tally

AWAY_SECONDS = 3.0  # at most, beside the time to start again
KINDS = ("broker killed", "database killed", "broker stopped", "database stopped")


class Outages(threading.Thread):
    """One after another, spread over the kills of the run."""

    def __init__(
        self, site: Site, tally: Tally, *, due: Callable[[], float], number: int, seed: int
    ) -> None:
        """`due` says how far the run is, from 0 to 1."""
        super().__init__(name="outages", daemon=True)
        self.halt = threading.Event()
        self._site = site
        self._tally = tally
        self._due = due
        self._random = random.Random(f"{seed} outages")
        self.plan = plan(number, self._random)

    def run(self) -> None:
        for number, kind in enumerate(self.plan, start=1):
            while self._due() < number / (len(self.plan) + 1):
                if self.halt.wait(0.1):
                    return
            try:
                self._suffer(kind)
            except Exception as error:  # noqa: BLE001  # told with the rest, and ends the run
                self._tally.fault(f"{kind}: {error}")
                return

    def _suffer(self, kind: str) -> None:
        begun = time.monotonic()
        match kind:
            case "broker killed":
                self._site.broker.kill()
            case "broker stopped":
                self._site.broker.stop()
            case "database killed":
                self._site.kill_database()
            case _:
                self._site.stop_database()
        self.halt.wait(self._random.uniform(0.2, AWAY_SECONDS))
        if kind.startswith("broker"):
            self._site.start_broker()
        else:
            self._site.start_database()
        self._tally.count(f"times the {kind}")
        self._tally.count("seconds of outages", round(time.monotonic() - begun))


def plan(number: int, choose: random.Random) -> Sequence[str]:
    """As many of each kind as of any other, shuffled."""
    kinds = [KINDS[place % len(KINDS)] for place in range(number)]
    choose.shuffle(kinds)
    return kinds
