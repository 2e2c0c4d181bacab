"""The home of a demo: made anew at every run, and only where nothing of anybody else is lost.

A home that the demo made carries a mark, and is wiped and made again as long as nothing but the
demo's own events, sources and segments is in it. An empty home is taken as it is. Any other home
is refused, never touched.
"""

import shutil
from pathlib import Path

from services.cli.home import (
    BROKER_FOLDER,
    DEFAULT_SOURCES,
    LOCAL_BROKER,
    LOG_FILE,
    Home,
    stop_home,
)
from services.cli.keys import KEYS_FILE
from services.cli.keys import LOCK_FILE as KEYS_LOCK_FILE
from services.cli.running import LOCK_FILE, RUNNING_FOLDER
from services.cli.up import prepare
from services.identity.domain.errors import UsageError

MARK = "demo.json"
OWN_FILES = frozenset(
    {
        MARK,
        "pg",
        "pg.lock",
        "stack.log",
        LOCK_FILE,
        RUNNING_FOLDER,
        KEYS_FILE,
        KEYS_LOCK_FILE,
        LOG_FILE,
        BROKER_FOLDER,
    }
)
"""What a home consists of; anything else in its folder is somebody's."""
_FOREIGN = {
    "events": 'SELECT FROM event WHERE position(\'"id":"demo-\'::bytea IN body) = 0',
    "unread events": (
        "SELECT FROM log_record WHERE topic = 'channel-events'"
        ' AND position(\'"id":"demo-\'::bytea IN value) = 0'
    ),
    "sources": "SELECT FROM source WHERE name <> ALL(%(sources)s)",
    "segments": "SELECT FROM segment WHERE id <> ALL(%(segments)s)",
    "models": "SELECT FROM model OFFSET 1",
}


def fresh_home(path: Path, *, kafka: bool, segments: list[str]) -> Home:
    """A home for this run; `segments` are the ids that the demo applies.

    Raises UsageError when the folder holds anything that the demo did not put there.
    """
    path = path.expanduser().resolve()
    if path.is_dir() and any(path.iterdir()):
        _make_room(path, segments, kafka=kafka)
    path.mkdir(parents=True, exist_ok=True)
    (path / MARK).write_text('{"made_by": "plait demo"}\n')
    return prepare(path, LOCAL_BROKER if kafka else None)


def _make_room(path: Path, segments: list[str], *, kafka: bool) -> None:
    is_ours = (path / MARK).exists()
    has_database = (path / "pg").is_dir()
    if not is_ours and ((path / LOG_FILE).exists() or not has_database):
        raise _refusal(path, "data")
    if {each.name for each in path.iterdir()} - OWN_FILES:
        raise _refusal(path, "files")
    found = _foreign_to(Home(path), segments if is_ours else [])
    if found is not None:
        raise _refusal(path, found)
    if is_ours or kafka:
        stop_home(path)
    if is_ours:
        shutil.rmtree(path)


def _foreign_to(home: Home, segments: list[str]) -> str | None:
    """What the home holds that the demo did not put there."""
    values = {"sources": [each.name for each in DEFAULT_SOURCES], "segments": segments}
    with home.connection() as connection:
        for name, query in _FOREIGN.items():
            row = connection.execute(f"SELECT EXISTS ({query})", values).fetchone()
            if row is not None and row[0]:
                return name
    return None


def _refusal(path: Path, found: str) -> UsageError:
    return UsageError(
        f"{path} holds {found} that the demo did not put there, and it would wipe them;"
        " name another folder with --home"
    )
