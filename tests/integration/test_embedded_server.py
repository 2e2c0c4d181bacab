"""One PostgreSQL per home: it outlives its client, recovers, and is never mistaken for another."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from services.identity.adapters.embedded import server
from services.identity.domain.errors import UsageError

START = "import sys, pathlib; from services.identity.adapters.embedded import server; "
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A home as the first start makes it. Copies of it save each test a second."""
    with tempfile.TemporaryDirectory(prefix="plait-made-") as folder:
        home = Path(folder)
        server.start(home)
        server.stop(home)
        yield home


@pytest.fixture
def home(made_once: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plait-home-") as folder:
        home = Path(folder) / "home"
        copy_home(made_once, home)
        yield home
        server.stop(home)


def copy_home(made: Path, home: Path) -> None:
    home.mkdir(parents=True)
    subprocess.run(["/bin/cp", "-a", str(made / "pg"), str(home)], check=True)  # noqa: S603  # paths of ours


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.start(home), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def pid_of(home: Path) -> int:
    return int((home / "pg" / "postmaster.pid").read_text().split("\n")[0])


def run_python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", START + code, str(home)]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)  # noqa: S603  # this file's code


def as_nobody(home: Path, do: Callable[[Path], object]) -> str:
    """What `do` answers in a process of a user without rights; the interpreter is inherited."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "died"
        try:
            user = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            answer = str(do(home))
        except Exception as error:  # noqa: BLE001  # whatever it is, the parent asserts on it
            answer = repr(error)
        finally:
            os.write(writing, answer.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading) as pipe:  # noqa: PTH123  # a descriptor, not a path
        return pipe.read()


def test_data_outlives_a_restart_and_settings_hold(home: Path) -> None:
    rows(home, "CREATE TABLE kept AS SELECT 1 AS n")
    assert server.is_running(home)
    assert server.stop(home)
    assert not server.is_running(home)
    assert not server.stop(home)
    assert rows(home, "SELECT n FROM kept") == [(1,)]
    settings = "fsync", "synchronous_commit", "jit", "work_mem", "listen_addresses"
    shown = [rows(home, f"SHOW {name}")[0][0] for name in settings]
    assert shown == ["on", "on", "off", "16MB", ""]
    assert rows(home, "SELECT datcollate FROM pg_database") == [("C.UTF-8",)] * 3


def test_which_pages_were_kept_is_known_at_the_next_start(home: Path) -> None:
    rows(home, "SELECT 1")
    server.stop(home)
    assert (home / "pg" / "autoprewarm.blocks").is_file()
    assert rows(home, "SELECT 1") == [(1,)]


def test_starting_again_finds_the_running_server(home: Path) -> None:
    url = server.start(home)
    pid = pid_of(home)
    assert server.start(home) == url
    assert pid_of(home) == pid


def test_it_outlives_the_command_that_started_it_even_when_that_is_killed(home: Path) -> None:
    done = run_python(
        "import os; server.start(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)", home
    )
    assert done.returncode == -signal.SIGKILL
    assert server.is_running(home)
    assert rows(home, "SELECT 1") == [(1,)]


def test_what_was_committed_outlives_a_killed_server(home: Path) -> None:
    rows(home, "CREATE TABLE kept AS SELECT 1 AS n")
    pid = pid_of(home)
    os.kill(pid, signal.SIGKILL)
    give_up_at = time.monotonic() + 10
    while server.is_running(home):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    assert rows(home, "SELECT n FROM kept") == [(1,)]
    assert pid_of(home) != pid


def test_commands_that_start_at_once_share_one_server(home: Path) -> None:
    code = "print(server.start(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", START + code, str(home)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  # as above
        for _ in range(3)
    ]
    answers = {process.communicate(timeout=60)[0] for process in started}
    assert answers == {f"{server.start(home)}\n"}


@pytest.mark.parametrize(
    "left_behind",
    [
        pytest.param(f"{os.getpid()}\n", id="the id of another living process"),
        pytest.param("4194303\n", id="the id of no process"),
        pytest.param("", id="an empty file"),
    ],
)
def test_a_stale_lock_file_is_seen_through(home: Path, left_behind: str) -> None:
    rows(home, "CREATE TABLE kept AS SELECT 1 AS n")
    lock = home / "pg" / "postmaster.pid"
    rest = lock.read_text().partition("\n")[2]
    socket_lock = (home / "pg" / ".s.PGSQL.5432.lock").read_text().partition("\n")[2]
    server.stop(home)
    lock.write_text(left_behind + (rest if left_behind else ""))
    (home / "pg" / ".s.PGSQL.5432.lock").write_text(left_behind + socket_lock)
    assert not server.is_running(home)
    assert not server.stop(home)
    assert rows(home, "SELECT n FROM kept") == [(1,)]


def test_a_half_made_home_is_made_again(home: Path) -> None:
    shutil.rmtree(home)
    (home / "pg").mkdir(parents=True)
    (home / "pg" / "base").write_text("torn")
    assert rows(home, "SELECT 1") == [(1,)]


def test_stopping_one_home_leaves_the_other_alone(home: Path, made_once: Path) -> None:
    other = home.with_name("other")
    copy_home(made_once, other)
    server.start(home)
    server.start(other)
    try:
        assert server.stop(home)
        assert server.is_running(other)
    finally:
        assert server.stop(other)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("long/" * 25, id="too long for a socket"),
        pytest.param("a b", id="a space"),
        pytest.param("$HOME`x`;,'\"é", id="what a shell would read"),
    ],
)
def test_any_path_will_do(home: Path, name: str) -> None:
    odd = home / name
    assert rows(odd, "SELECT 1") == [(1,)]
    assert server.stop(odd)


def test_the_server_log_holds_no_personal_data(home: Path) -> None:
    rows(home, "CREATE TABLE person (email text PRIMARY KEY)")
    insert = "INSERT INTO person VALUES ('maria@example.org')"
    rows(home, insert)
    with suppress(psycopg.errors.UniqueViolation):
        rows(home, insert)
    with suppress(psycopg.errors.DataError):
        rows(home, "SELECT 'maria@example.org'::int")
    server.stop(home)
    written = (home / "pg" / "server.log").read_text()
    assert "shut down" in written
    assert "maria@" not in written


def test_only_its_owner_reaches_it(home: Path) -> None:
    server.start(home)
    assert (home / "pg").stat().st_mode & 0o077 == 0
    assert (home / "pg" / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_normal_user_can_start_and_stop_a_home_and_not_one_of_others(home: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="plait-user-") as folder:
        Path(folder).chmod(0o777)
        theirs = Path(folder) / "home"
        assert as_nobody(theirs, server.start).startswith("postgresql://")
        assert (theirs / "pg").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert rows(theirs, "SELECT 1") == [(1,)]  # root reaches it too
        assert as_nobody(theirs, server.stop) == "True"
        assert rows(theirs, "SELECT 1") == [(1,)]  # started by root, it still runs as its owner
        assert as_nobody(theirs, server.stop) == "True"
    server.start(home)
    home.parent.chmod(0o755)
    assert "belongs to another user" in as_nobody(home, server.start)


def test_a_missing_wheel_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install"):
        server.start(home)
