"""Resolver processes that are killed with SIGKILL, or stopped for longer than their session lasts.

The moments come from the seed: while a process starts, or a while after it is ready.
"""

import random
import signal
import subprocess
import threading
import time
from contextlib import suppress

import psycopg

from services.cli.home import Home
from services.cli.running import running_process
from services.identity.domain.errors import RetryableError
from tests.chaos.site import Site
from tests.chaos.tally import Tally

YOUNG = 0.2  # of the kills come while the process starts
START_SECONDS = 2.0
WORK_SECONDS = 1.5
STALLS = 0.05  # of a process's lives hold a stall
STALL_SECONDS = 12.0  # longer than the broker waits for a heartbeat
HUNTS = 0.6  # of the others wait for a moment that hurts
HUNT_SECONDS = 3.0
MOMENTS = {
    "marks to resolve": "SELECT EXISTS (SELECT FROM dirty)",
    "changes to send": "SELECT EXISTS (SELECT FROM outbox)",
    "an open transaction": (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND xact_start IS NOT NULL AND pid <> pg_backend_pid())"
    ),
}
READY_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 12.0  # ten, and a little for a busy machine


class Slot(threading.Thread):
    """One place among the resolvers, with one process after another in it."""

    def __init__(self, site: Site, home: Home, tally: Tally, *, number: int, seed: int) -> None:
        super().__init__(name=f"resolver-{number}", daemon=True)
        self.kills = 0
        self.halt = threading.Event()
        self._site = site
        self._home = home
        self._tally = tally
        self._random = random.Random(f"{seed} {self.name}")
        self._log = site.folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Kill until told to halt; then one process is left to do the rest."""
        while not self.halt.is_set():
            process = self._alive()
            self._live(process)
            if self.halt.is_set():
                break
            if process.poll() is None:
                process.kill()
                process.wait()
                self.kills += 1
                self._tally.count(f"kills of {self.name}")
        self._alive()

    def stop(self) -> None:
        """SIGTERM, as an operator would. Too slow, or an exit code, is a fault."""
        process = self._process
        if process is None:
            return
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self._tally.fault(f"{self.name} did not stop within {STOP_SECONDS_MAX:.0f} s")
            return
        self._tally.count("graceful stops")
        if code != 0:
            self._tally.fault(f"{self.name} stopped with code {code}: {self.last_words()}")
        if time.monotonic() - begun > STOP_SECONDS_MAX:
            self._tally.fault(f"{self.name} took long to stop")

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-600:] if self._log.exists() else "nothing"

    def _alive(self) -> subprocess.Popen[bytes]:
        """The process of this place. One that ended by itself is a fault."""
        process = self._process
        if process is not None and process.poll() is not None and process.returncode >= 0:
            self._tally.fault(f"{self.name} ended with {process.returncode}: {self.last_words()}")
        if process is None or process.poll() is not None:
            process = self._process = self._site.run(self._home, "resolver", log=self._log)
        return process

    def _live(self, process: subprocess.Popen[bytes]) -> None:
        """Until its moment has come."""
        if self._random.random() < YOUNG:
            self._tally.count("kills while starting")
            self._pause(self._random.uniform(0.1, START_SECONDS))
            return
        give_up_at = time.monotonic() + READY_SECONDS_MAX
        while running_process(self._home.path, process.pid) is None:
            if self.halt.wait(0.05) or process.poll() is not None:
                return
            if time.monotonic() > give_up_at:
                self._tally.count("processes that were not ready in time")
                return
        self._pause(self._random.uniform(0.05, WORK_SECONDS))
        if self._random.random() < HUNTS:
            self._hunt()
            return
        if self._random.random() < STALLS and not self.halt.is_set():
            process.send_signal(signal.SIGSTOP)
            self._pause(STALL_SECONDS)
            process.send_signal(signal.SIGCONT)
            self._tally.count("stalls")
            self._pause(self._random.uniform(0.5, WORK_SECONDS))

    def _hunt(self) -> None:
        """Wait for a moment that hurts: it is killed with work in hand, or another's is killed."""
        what = self._random.choice(sorted(MOMENTS))
        give_up_at = time.monotonic() + HUNT_SECONDS
        with suppress(RetryableError, psycopg.Error), self._home.connection() as connection:
            connection.autocommit = True
            while time.monotonic() < give_up_at and not self.halt.is_set():
                if connection.execute(MOMENTS[what].encode()).fetchone() == (True,):
                    self._tally.count(f"kills at the sight of {what}")
                    return
                time.sleep(0.002)

    def _pause(self, seconds: float) -> None:
        self.halt.wait(seconds)
