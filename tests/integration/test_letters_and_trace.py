"""Through the real doors: an event is refused, traced, sent again, and leaves no trace of it."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from services.cli.apps import ingest_app
from services.cli.ask import ask
from services.cli.home import Home, stop_home
from services.cli.main import app
from services.identity.adapters.kafka.log import KafkaLog
from services.identity.adapters.prometheus import Metrics
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.reads import SqlReads
from services.identity.adapters.topics import load_topics
from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros
from services.identity.wire.dead_letter import decode
from services.identity.wire.letter_book import LetterFilter
from services.ingest.letter_log import read_book, read_entries
from services.ingest.letters import letter

pytestmark = pytest.mark.integration

TIME = {"timestamp": "2026-01-01T00:00:00Z"}
CALLS: tuple[dict[str, Any], ...] = (
    {"messageId": "m-1", "userId": "ann", "traits": {"email": "ann@example.org", "city": "Leeds"}},
    {"messageId": "m-1", "userId": "ann", "traits": {"email": "ann@example.org", "city": "Leeds"}},
    {"messageId": "m-2", "userId": "ann", "traits": {"city": "York"}},
    {"messageId": "m-3", "anonymousId": "a-3", "traits": {"email": "ann@example.org"}},
    {"messageId": "m-big", "userId": "ben", "traits": {"note": "x" * 40_000, "city": "Hull"}},
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plait-letters-") as name:
        yield Path(name)
        for home in Path(name).iterdir():
            stop_home(home)


def plait(home: Path, *words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, [*words, "--home", str(home), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def post_all(home: Home) -> str:
    """Every call in its turn; the token of the last that was accepted."""
    home.ensure_default_sources()
    as_of = ""
    with ingest_app(home, Metrics()) as made, TestClient(made) as client:
        for call in CALLS:
            answer = client.post("/v1/identify", json=call | TIME, auth=(home.keys()["web"], ""))
            as_of = answer.json().get("as_of", as_of)
    return as_of


def test_an_event_from_its_refusal_to_its_profile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "home"
    home = Home(path)
    as_of = post_all(home)
    status, body = ask(home, "GET", f"/v1/profiles/user_id:ann?at_least={as_of}&wait_ms=0")
    assert (status, body["code"]) == (412, "not_covered")
    code, body = plait(path, "trace", "m-2")
    assert (code, body["traces"], body["not_looked_through"]) == (0, [], 0)
    assert [each["log"]["topic"] for each in body["waiting"]] == ["channel-events"]
    assert plait(path, "trace", "m-nobody")[0] == 1
    assert plait(path, "resolve")[0] == 0
    status, _ = ask(home, "GET", f"/v1/profiles/user_id:ann?at_least={as_of}")
    assert status == 200
    check_trace(path)
    redrive(path, monkeypatch)
    check_redriven(path, folder / "other")


def check_trace(path: Path) -> None:
    code, body = plait(path, "trace", "m-1", "--show-values")
    (found,) = body["traces"]
    assert (code, found["dedupe"]["copies"], found["resolved"]) == (0, 2, True)
    assert found["log"]["topic"] == "channel-events"
    assert found["log"]["offset"] == 0  # the first of its partition, where its copy stands, too
    fields = {each["name"]: each for each in found["fields"]}
    assert (fields["email"]["outcome"], fields["city"]["held_by"]) == ("won", "m-2")
    (edge,) = found["edges"]
    assert edge["record"]["key"] == "a-3"
    assert [each["record"]["key"] for each in found["candidates"]] == ["a-3"]
    assert found["profile"]["changes_told"] > 0
    code, body = plait(path, "trace", "m-big", "--source", "web")
    (refused,) = body["dead_letters"]
    assert (code, body["traces"], refused["reason"]) == (0, [], "too_large")
    assert plait(path, "trace", "m-nobody")[0] == 1
    lines = CliRunner().invoke(app, ["trace", "m-1", "--home", str(path)]).stdout
    assert "city = ***: lost to m-2" in lines


def redrive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, body = plait(path, "dlq", "list", "--reason", "too_large")
    (waiting,) = body["dead_letters"]
    assert (code, waiting["origin"], waiting["source"]) == (0, "ingest", "web")
    assert waiting["stage"].startswith("ingest.")
    _, body = plait(path, "dlq", "show", waiting["id"])
    assert (body["dead_letter"]["body"], body["dead_letter"]["tries"]) == (None, 1)
    _, body = plait(path, "dlq", "show", waiting["id"], "--show-values")
    assert json.loads(body["dead_letter"]["body"])["userId"] == "ben"
    code, body = plait(path, "dlq", "redrive", waiting["id"])
    assert (code, body["refused"]) == (1, {"too_large": 1})
    (again,) = plait(path, "dlq", "list")[1]["dead_letters"]
    assert (again["id"], again["tries"]) == (waiting["id"], 2)
    assert again["first_at"] == waiting["first_at"]
    monkeypatch.setenv("PLAIT_INGEST__EVENT_BYTES_MAX", "100000")
    code, body = plait(path, "dlq", "redrive", "--source", "web", "--dry-run")
    assert (code, body["sent"], body["dry_run"]) == (0, 1, True)
    assert plait(path, "dlq", "redrive", "--source", "web")[1]["events"] == 1
    assert plait(path, "dlq", "redrive", "--all")[1]["matching"] == 0
    assert plait(path, "resolve")[0] == 0


def check_redriven(path: Path, other: Path) -> None:
    assert plait(path, "dlq", "list")[1]["dead_letters"] == []
    _, body = plait(path, "trace", "m-big")
    assert [each["source"] for each in body["traces"]] == ["web"]
    assert [each["state"] for each in body["dead_letters"]] == ["redriven"]
    post_all(Home(other))  # with the wider bound: there it never failed
    plait(other, "resolve")
    assert plait(path, "state-hash")[1] == plait(other, "state-hash")[1]


async def test_letters_of_a_log_that_is_elsewhere_are_unknown(database_url: str) -> None:
    pool = AsyncPool(database_url)
    assert await SqlReads(pool).letters_of("m-1") is None
    await pool.close()


def test_letters_are_read_from_kafka_as_from_any_log(kafka_bootstrap: str) -> None:
    log = KafkaLog(kafka_bootstrap)
    log.ensure_topics(load_topics())
    error = RejectedError(RejectReason.BAD_TIME, "the time cannot be read")
    made = [
        letter(b"%d" % n, error, origin="ingest", source="kafka", position="/v1/t", at=Micros(n))
        for n in range(3)
    ]
    producer = log.producer()
    producer.append(made)
    producer.close()
    book, _ = read_book(log, group="letters-test")
    found = book.letters(LetterFilter(source="kafka"))
    assert len(found) == 3
    entries = read_entries(log, [found[1].place], group="letters-test")
    assert [decode(each.value or b"").original() for each in entries] == [b"1"]
