"""A Kafka broker on this machine, without containers: for tests and for `plait demo --kafka`.

Maven copies the jars once; Java runs them. The broker outlives the command that started it, is
found again by the next one through its folder, and listens on loopback only. It is signalled only
when its process id still runs with that folder's own configuration file.
"""

import base64
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

from services.identity.adapters.kafka.local_ports import LOOPBACK, free_ports
from services.identity.domain.errors import RetryableError, UsageError

INFRA = Path(__file__).parents[4] / "infra" / "kafka"
JAVA_VERSION_MIN = 17
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
DOWNLOAD_SECONDS_MAX = 900  # some 45 MB, once
LISTENERS = re.compile(r"(PLAINTEXT|CONTROLLER)://127\.0\.0\.1:(\d+)")
JAVA_OPTIONS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")  # one small broker, few cores


class LocalBroker:
    """One broker per folder. Raises UsageError when Java or Maven is missing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.expanduser().resolve()
        self._config = self._directory / "server.properties"
        self._log = self._directory / "broker.log"
        self._pid_file = self._directory / "broker.pid"

    def start(self) -> str:
        """Its address, `127.0.0.1:port`; started when it does not run yet."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with _locked(self._directory / "broker.lock"):
            pid = self._running_pid()
            if pid is None:
                java, jars = _java(), local_jars()
                port = self._configure(java, jars)
                pid = self._launch(java, jars, port)
            else:
                port = self._written_pid_and_port()[1]
            self._wait_until_it_answers(pid, port)
        return f"{LOOPBACK}:{port}"

    def stop(self) -> bool:
        """End this folder's broker and no other. False when none was running."""
        if not self._directory.is_dir():
            return False
        with _locked(self._directory / "broker.lock"):
            pid = self._running_pid()
            if pid is None:
                return False
            os.kill(pid, signal.SIGTERM)
            if not _ended_within(pid, STOP_SECONDS_MAX):
                os.kill(pid, signal.SIGKILL)  # its log is replayed at the next start
                if not _ended_within(pid, STOP_SECONDS_MAX):
                    raise RetryableError(f"the local broker, process {pid}, does not end")
            self._pid_file.unlink()
        return True

    def kill(self) -> bool:
        """As a power cut would: nothing is flushed or said. False when none was running."""
        pid = self._running_pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        if not _ended_within(pid, STOP_SECONDS_MAX):
            raise RetryableError(f"the local broker, process {pid}, does not end")
        return True

    def is_running(self) -> bool:
        return self._running_pid() is not None

    def _configure(self, java: str, jars: Path) -> int:
        """Write the configuration, with the ports of before where they are free.

        A broker that comes back elsewhere would not be found by who knew it.
        """
        data = self._directory / "data"
        port, controller_port = free_ports(self._directory, self._ports_before(), count=2)
        values = {"port": port, "controller_port": controller_port, "data": data}
        template = Template((INFRA / "server.properties.template").read_text())
        self._config.write_text(template.substitute(values))
        if not (data / "meta.properties").exists():
            name = hashlib.blake2b(os.fsencode(self._directory), digest_size=15).digest()
            cluster = "p" + base64.urlsafe_b64encode(name).decode() + "A"
            prepare = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._config)]
            done = subprocess.run(  # noqa: S603  # Java by its full path, arguments of ours
                [java, "-cp", f"{jars}/*", *prepare],
                capture_output=True,
                text=True,
                timeout=START_SECONDS_MAX,
                check=False,
            )
            if done.returncode != 0:
                raise RetryableError(f"the broker's folder was not prepared: {done.stderr[-500:]}")
        return port

    def _ports_before(self) -> tuple[int, ...]:
        with suppress(OSError):
            found = dict(LISTENERS.findall(self._config.read_text()))
            if found.keys() == {"PLAINTEXT", "CONTROLLER"}:
                return int(found["PLAINTEXT"]), int(found["CONTROLLER"])
        return ()

    def _launch(self, java: str, jars: Path, port: int) -> int:
        """Start it in a session of its own, as nobody's child: Ctrl-C does not reach it."""
        broker = [java, *JAVA_OPTIONS, "-cp", f"{jars}/*", "kafka.Kafka", str(self._config)]
        detach = ["/bin/sh", "-c", '"$@" >"$0" 2>&1 </dev/null & echo $!', str(self._log)]
        done = subprocess.run(  # noqa: S603  # a fixed script; paths are its arguments, never its text
            [*detach, *broker],
            stdout=subprocess.PIPE,
            text=True,
            timeout=START_SECONDS_MAX,
            check=True,
            start_new_session=True,
        )
        pid = int(done.stdout)
        self._pid_file.write_text(f"{pid} {port}\n")
        return pid

    def _wait_until_it_answers(self, pid: int, port: int) -> None:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up_at:
            with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
                return
            if self._running_pid() != pid:
                break
            time.sleep(0.1)
        raise RetryableError(f"the local broker did not start: {self._last_words()}")

    def _written_pid_and_port(self) -> tuple[int, int]:
        pid, port = self._pid_file.read_text().split()
        return int(pid), int(port)

    def _running_pid(self) -> int | None:
        """The written process id, if that process still runs this folder's configuration."""
        with suppress(OSError, ValueError):
            pid, _ = self._written_pid_and_port()
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if os.fsencode(self._config) in arguments:
                return pid
        return None

    def _last_words(self) -> str:
        with suppress(OSError):
            return self._log.read_text(errors="replace")[-800:].strip()
        return "it left no log"


def local_jars() -> Path:
    """The folder of the broker's jars; Maven fills it the first time, which takes a minute."""
    jars = INFRA / "target" / "jars"
    if not (INFRA / "pom.xml").exists():
        raise UsageError("a local broker needs plait's source tree; or name one with --bootstrap")
    jars.parent.mkdir(exist_ok=True)
    with _locked(jars.parent / "jars.lock"):
        if jars.is_dir():
            return jars
        maven = shutil.which("mvn")
        if maven is None:
            raise UsageError("Maven fetches the local broker and is missing: apt install maven")
        part = jars.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        copy = ["-B", "-q", "-f", str(INFRA / "pom.xml"), "dependency:copy-dependencies"]
        wanted = ["-DincludeScope=runtime", f"-DoutputDirectory={part}"]
        done = subprocess.run(  # noqa: S603  # Maven by its full path, arguments of ours
            [maven, *copy, *wanted],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise RetryableError(f"Maven could not fetch the broker: {done.stdout[:500]}")
        part.rename(jars)
    return jars


def what_is_missing() -> str | None:
    """In one line, what a local broker would need first; None when it can be started."""
    try:
        _java()
    except UsageError as error:
        return str(error)
    if not (INFRA / "target" / "jars").is_dir() and shutil.which("mvn") is None:
        return "Maven fetches the local broker and is missing: apt install maven"
    return None


def _java() -> str:
    how = f"apt install openjdk-{JAVA_VERSION_MIN}-jre-headless"
    java = shutil.which("java")
    if java is None:
        raise UsageError(f"Java {JAVA_VERSION_MIN} is missing: {how}")
    said = subprocess.run(  # noqa: S603  # Java by its full path
        [java, "-version"],
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )
    version = re.search(r'version "(\d+)', said.stderr)  # "1.8.0" was Java 8: too old as well
    if version is None or int(version[1]) < JAVA_VERSION_MIN:
        raise UsageError(f"the local broker needs Java {JAVA_VERSION_MIN} or newer: {how}")
    return java


def _ended_within(pid: int, seconds_max: float) -> bool:
    """Whether it let go of its ports. Its command line is gone some time before its sockets are."""
    give_up_at = time.monotonic() + seconds_max
    while not _has_ended(pid):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def _has_ended(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in {"Z", "X"}  # ended, and not yet waited for


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One start or stop at a time; the lock dies with the process that holds it."""
    give_up_at = time.monotonic() + DOWNLOAD_SECONDS_MAX
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise RetryableError("another command holds the local broker") from None
                time.sleep(0.05)
        yield


def main(arguments: list[str]) -> int:
    """`python -m services.identity.adapters.kafka.broker up|down DIRECTORY`."""
    match arguments:
        case ["up", directory]:
            print(LocalBroker(Path(directory)).start())  # noqa: T201  # a command's answer
        case ["down", directory]:
            print("stopped" if LocalBroker(Path(directory)).stop() else "not running")  # noqa: T201  # as above
        case _:
            print(main.__doc__, file=sys.stderr)  # noqa: T201  # as above
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
