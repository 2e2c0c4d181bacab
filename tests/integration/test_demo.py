"""`plait demo` end to end: a new home, real doors, every check, and the same state on both logs."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.cli.home import Home, stop_home
from services.identity.adapters.kafka.broker import what_is_missing
from tests.integration.commands import ports_for, run_here, run_plait

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(400)]

PEOPLE = 100


def demo(home: Path, *options: str) -> dict[str, Any]:
    api, ingest = ports_for(home)
    ports = ("--port", str(api), "--ingest-port", str(ingest))
    done = run_plait("demo", "--home", str(home), "--json", "--fixed", *ports, *options)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plait-demo-") as folder:
        path = Path(folder) / "home"
        try:
            yield path
        finally:
            stop_home(path)


@pytest.fixture(scope="module")
def shown(home: Path) -> dict[str, Any]:
    return demo(home, "--people", str(PEOPLE))


def test_every_check_passes(shown: dict[str, Any]) -> None:
    assert shown["passed"]
    assert len(shown["checks"]) >= 15
    assert shown["log"] == "embedded"
    assert shown["silo_report"]["people"] == PEOPLE


def test_the_question_turns_round(shown: dict[str, Any]) -> None:
    story = shown["story"]
    assert story["decision_before"]["decision"] == "allow"
    held = story["decision_after"]["already_held"]
    assert float(held["offered_price"]) == 30
    assert float(held["held_price"]) == 45


def test_the_stack_stays_up_and_the_key_opens_the_profile(shown: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {shown['api_key']}"}
    profile = httpx2.get(shown["profile_url"], headers=headers, timeout=10)
    assert profile.status_code == 200
    assert len(profile.json()["records"]) == 5
    assert httpx2.get(shown["docs"], timeout=10).status_code == 200


def test_two_of_its_records_are_explained(home: Path, shown: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {shown['api_key']}"}
    profile = httpx2.get(shown["profile_url"], headers=headers, timeout=10).json()
    names = [f"{r['source']}/{r['kind']}/{r['key']}" for r in profile["records"]]
    done = run_plait("explain", names[0], names[-1], "--home", str(home), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["profile_id"], found["settled"]) == (profile["profile_id"], True)
    assert found["path"]
    decisions = [step["decision"] for step in found["path"] if step["decision"]]
    for weight in (*decisions, found["direct"]["weight"]):
        assert sum(row["units"] for row in weight["rows"]) == weight["units"]


def test_a_second_run_makes_its_home_anew_and_ends_with_the_same_state(
    home: Path, shown: dict[str, Any]
) -> None:
    again = demo(home, "--people", str(PEOPLE))
    assert again["state_hash"] == shown["state_hash"]


def test_a_home_with_other_data_is_refused_and_kept(home: Path, shown: dict[str, Any]) -> None:
    assert shown["passed"]
    opened = Home(home)
    with opened.connection() as connection:
        connection.execute(
            "INSERT INTO segment (id, document, version, changed_at) VALUES ('mine', '{}', 1, 0)"
        )
        connection.commit()
    done = run_here("demo", "--home", str(home), "--people", "0")
    assert done.returncode == 2
    assert "segments that the demo did not put there" in done.stderr
    with opened.connection() as connection:
        row = connection.execute("SELECT count(*) FROM record").fetchone()
    assert row is not None
    assert row[0] > PEOPLE


def test_a_file_in_the_home_is_kept(home: Path, shown: dict[str, Any]) -> None:
    assert shown["passed"]
    file = home / "notes.txt"
    file.write_text("mine")
    done = run_here("demo", "--home", str(home), "--people", "0")
    assert done.returncode == 2
    assert file.read_text() == "mine"


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "letters.txt"
    file.write_text("mine")
    done = run_here("demo", "--home", str(tmp_path), "--people", "0")
    assert done.returncode == 2
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.kafka
def test_a_real_broker_gives_the_same_state(shown: dict[str, Any]) -> None:
    missing = what_is_missing()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="plait-demo-kafka-") as folder:
        home = Path(folder) / "home"
        try:
            on_kafka = demo(home, "--kafka", "--people", str(PEOPLE))
        finally:
            stop_home(home)
    assert on_kafka["log"] == "kafka"
    assert on_kafka["state_hash"] == shown["state_hash"]
