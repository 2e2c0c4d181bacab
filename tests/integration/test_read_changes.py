"""The example of a reader copies every change once, killed in between or not."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.embedded.log import EmbeddedLog
from services.identity.adapters.topics import load_topics
from services.identity.domain.ids import Micros, ProfileId
from services.identity.ports import OutgoingMessage, Producer
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES, outgoing

pytestmark = pytest.mark.integration
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "read_changes.py"


def change(profile: str, sequence: int) -> OutgoingMessage:
    topic = SEGMENT_CHANGES if sequence % 3 == 0 else PROFILE_CHANGES
    return outgoing(
        topic,
        "profile.attached",
        profile=ProfileId(profile),
        sequence=sequence,
        at=Micros(0),
        data={"n": sequence},
    )


def copy(database_url: str, path: Path) -> tuple[int, list[tuple[str, int]]]:
    """Exit code of the example, and the changes in its file."""
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(EXAMPLE), "--database", database_url, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=EXAMPLE.parents[2],
        env={"PYTHONPATH": str(EXAMPLE.parents[2])},
    )
    assert done.returncode in (0, 1), done.stderr
    with sqlite3.connect(path) as file:
        rows = file.execute("SELECT profile, sequence FROM change ORDER BY 1, 2").fetchall()
    file.close()
    return done.returncode, rows


@pytest.fixture
def producer(database_url: str) -> Producer:
    log = EmbeddedLog(database_url, clock=SystemClock())
    log.ensure_topics(load_topics())
    return log.producer()


def test_the_example_copies_each_change_once(
    database_url: str, producer: Producer, tmp_path: Path
) -> None:
    path = tmp_path / "changes.sqlite"
    producer.append([change(p, s) for s in range(1, 8) for p in ("p-1", "p-2")])
    producer.append([change("p-1", s) for s in (6, 7)])  # the relay died before it knew
    every = [(profile, sequence) for profile in ("p-1", "p-2") for sequence in range(1, 8)]
    assert copy(database_url, path) == (0, every)
    producer.append([change("p-2", 7), change("p-2", 8)])
    assert copy(database_url, path) == (0, [*every, ("p-2", 8)])
    producer.close()
