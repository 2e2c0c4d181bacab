"""What a chaotic run stands on: a database server and a broker that may be killed, and one load."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yaml

from services.cli.home import Home
from services.identity.adapters.embedded import server
from services.identity.adapters.embedded.server_files import ServerFiles
from services.identity.adapters.kafka.broker import LocalBroker
from services.identity.domain.errors import RetryableError

PEPPER = "not a secret: of a test"
START_TRIES_MAX = 20  # processes of a killed PostgreSQL hold its memory for a moment
WAIT_SECONDS_MAX = 120.0


class Site:
    """A folder; everything that was started in it ends with `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = folder / "database"
        self.broker = LocalBroker(folder / "kafka")
        self.bootstrap = self.broker.start()
        self._server_url = server.start(self._server)

    def home(self, name: str) -> Home:
        """A home on the broker, with a database of its own."""
        file = self.folder / f"{name}.yaml"
        if not file.exists():
            with psycopg.connect(self._server_url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            url = urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))
            content = {"database": url, "kafka": self.bootstrap, "pepper": PEPPER, "state": name}
            file.write_text(yaml.safe_dump(content))
        return Home(file)

    def run(self, home: Home, service: str, *, log: Path) -> subprocess.Popen[bytes]:
        """One service in a process of its own, as an operator runs it."""
        command = [sys.executable, "-m", "services.cli", "run", service, *home.place.option()]
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  # our own command with our own arguments
                [*command, "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def kill_database(self) -> None:
        pid = ServerFiles.of(self._server).listening_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop_database(self) -> None:
        server.stop(self._server)

    def start_database(self) -> None:
        for _ in range(START_TRIES_MAX):
            with suppress(RetryableError):
                server.start(self._server)
                return
            time.sleep(0.5)
        raise RetryableError("the killed database does not start again")

    def start_broker(self) -> None:
        if self.broker.start() != self.bootstrap:
            raise RetryableError("the broker came back at another address")

    def close(self) -> None:
        self.broker.stop()
        server.stop(self._server)


def wait_until(done: Callable[[], bool], what: str, *, seconds_max: float) -> None:
    give_up_at = time.monotonic() + seconds_max
    while not done():
        if time.monotonic() > give_up_at:
            raise RetryableError(f"in {seconds_max:.0f} s not: {what}")
        time.sleep(0.05)
