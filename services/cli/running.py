"""What runs for a home: a note for every process, believed while the process holds its lock.

A lock dies with its process, so neither a stale note nor a reused process id can mislead anybody.
Processes that serve share the home's lock; a command that must be alone takes it for itself.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from services.identity.domain.errors import UsageError

LOCK_FILE = "stack.lock"
RUNNING_FOLDER = "running"
STACK = "stack"  # name of the note of `plait up`; of those a home has one
STOP_SECONDS_MAX = 15.0  # a graceful stop takes at most 10; then the process is killed
LOCK_SECONDS_MAX = 0.5  # somebody who looks whether a lock is held holds it for an instant
READS_MAX = 3  # a note is read again when it was just being written


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process that serves a home. `urls` are its doors by service; ready once they answer."""

    pid: int
    services: tuple[str, ...]
    log: str
    is_ready: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return self.urls["api"]

    @property
    def ingest(self) -> str:
        return self.urls["ingest"]


class Note:
    """What the process at hand says of itself for as long as it serves."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def write(self, running: Running) -> None:
        text = json.dumps(asdict(running)).encode()
        self._handle.truncate(max(len(text), os.fstat(self._handle.fileno()).st_size))
        size = os.fstat(self._handle.fileno()).st_size
        os.pwrite(self._handle.fileno(), text.ljust(size), 0)


@contextmanager
def noted(path: Path, running: Running, *, is_stack: bool) -> Iterator[Note]:
    """Hold a note of this process among those of the home for as long as it serves.

    Raises UsageError when the home has a stack already, or a command works on it alone.
    """
    folder = path / RUNNING_FOLDER
    folder.mkdir(exist_ok=True)
    with _shared(path), (folder / ".lock").open("a") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        _sweep(folder)
        name = STACK if is_stack else f"{'-'.join(running.services)}-{running.pid}"
        note = folder / f"{name}.json"
        if note.exists():
            raise UsageError(f"a stack already runs for {path}; `plait down` stops it")
        with note.with_suffix(".new").open("w+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            mine = Note(handle)
            mine.write(running)
            Path(handle.name).rename(note)  # it is seen only with its words in it and its lock held
            fcntl.flock(door, fcntl.LOCK_UN)
            try:
                yield mine
            finally:
                note.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every service of the home out meanwhile. Raises UsageError when one runs."""
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK_FILE).open("a") as handle:
        if not _taken(handle, fcntl.LOCK_EX):
            raise UsageError(f"something runs for {path}; stop it with `plait down`")
        yield


def processes(path: Path) -> list[Running]:
    """Every process that serves the home now, by process id."""
    found = (_read(each) for each in (path / RUNNING_FOLDER).glob("*.json"))
    return sorted((each for each in found if each is not None), key=lambda each: each.pid)


def running_stack(path: Path) -> Running | None:
    """The home's `plait up`, once it is ready."""
    found = _read(path / RUNNING_FOLDER / f"{STACK}.json")
    return found if found is not None and found.is_ready else None


def running_resolver(path: Path) -> Running | None:
    """A process that lands and resolves for the home."""
    return next((each for each in processes(path) if "resolver" in each.services), None)


def running_process(path: Path, pid: int) -> Running | None:
    """The process of this id, once it is ready."""
    return next((each for each in processes(path) if each.pid == pid and each.is_ready), None)


def stop_processes(path: Path) -> int:
    """Stop what serves the home: asked first, killed after a while. How many there were."""
    found = processes(path)
    _signal(found, signal.SIGTERM)
    give_up_at = time.monotonic() + STOP_SECONDS_MAX
    while (left := processes(path)) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    _signal(left, signal.SIGKILL)
    return len(found)


def _signal(several: Sequence[Running], number: signal.Signals) -> None:
    for each in several:
        with suppress(ProcessLookupError):
            os.kill(each.pid, number)


@contextmanager
def _shared(path: Path) -> Iterator[None]:
    with (path / LOCK_FILE).open("a") as handle:
        if not _taken(handle, fcntl.LOCK_SH):
            raise UsageError(f"a command works on {path} alone; wait until it is done")
        yield


def _taken(handle: IO[str], kind: int) -> bool:
    give_up_at = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                return False
            time.sleep(0.02)
        else:
            return True


def _read(note: Path) -> Running | None:
    """What a note says; None when nobody holds it, or its process has said nothing yet."""
    with suppress(FileNotFoundError), note.open("rb") as handle:
        if not _is_held(handle):
            return None
        for _ in range(READS_MAX):
            handle.seek(0)
            with suppress(ValueError, TypeError):
                read = json.loads(handle.read())
                return Running(**read | {"services": tuple(read["services"])})
    return None


def _is_held(handle: IO[bytes]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def _sweep(folder: Path) -> None:
    """Remove notes of processes that were killed. Called under the folder's lock."""
    for note in (*folder.glob("*.json"), *folder.glob("*.new")):
        with suppress(FileNotFoundError):
            with note.open("rb") as handle:
                is_held = _is_held(handle)
            if not is_held:
                note.unlink()
