"""The served processes that are measured: started, timed until they are ready, and stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.cli.running import Running, running_process
from services.identity.domain.errors import RetryableError

START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 20.0
_OWN_FIELDS = slice(11, 13)  # utime and stime in /proc/PID/stat, counted after the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A stack that answers, and the seconds from its command's start until it did."""

    running: Running
    ready_seconds: float

    @property
    def api_port(self) -> int:
        return urlsplit(self.running.api).port or 0

    @property
    def ingest_port(self) -> int:
        return urlsplit(self.running.ingest).port or 0

    def cpu_seconds(self) -> float:
        text = Path(f"/proc/{self.running.pid}/stat").read_text(encoding="ascii")
        own = text.rpartition(")")[2].split()[_OWN_FIELDS]
        return sum(map(int, own)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[Served]:
    """`plait <command>` for a home, in a process of its own.

    Raises RetryableError when it does not come up; its log says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "bench.log"
    begun = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command with our own arguments
            [sys.executable, "-m", "services.cli", *command, "--home", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        running = _when_ready(folder, process, log)
        yield Served(running=running, ready_seconds=time.perf_counter() - begun)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _when_ready(folder: Path, process: "subprocess.Popen[bytes]", log: Path) -> Running:
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < give_up_at:
        running = running_process(folder, process.pid)
        if running is not None:
            return running
        time.sleep(0.01)
    raise RetryableError(f"it did not come up: {log.read_text(errors='replace')[-2_000:]}")
