"""`plait steward` on a real home: two people become one, and two again, and the state says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.home import Home
from services.cli.main import app
from services.cli.workers import worker_on
from services.identity.domain.ids import SourceName
from services.identity.domain.source import Source
from tests.factories import channel_event, outgoing

pytestmark = pytest.mark.integration


def plait(file: Path, *words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, [*words, "--config", str(file), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_a_steward_s_word_holds_until_it_is_taken_back(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "plait.yaml"
    file.write_text(f"database: {database_url}\npepper: not-a-secret-of-a-test\nstate: state\n")
    home = Home(file)
    home.add_source(Source(name=SourceName("web"), channel="web", workspace="shop"))
    log = home.log()
    producer = log.producer()
    producer.append(
        [outgoing(channel_event(user_id=each, message_id=each)) for each in ("ann", "bob", "cat")]
    )
    producer.close()
    log.close()
    with worker_on(home) as worker:
        worker.run_until_caught_up()
    before = plait(file, "state-hash")[1]["state_hash"]

    sides = ("web/user_id/ann", "web/user_id/bob")
    code, made = plait(file, "steward", "same", *sides, "--reason", "one card", "--by", "eve")
    assert (code, made["created"]) == (0, True)
    profiles = [
        plait(file, "profile", f"user_id:{each}")[1]["profile_id"] for each in ("ann", "bob")
    ]
    assert profiles[0] == profiles[1]
    assert plait(file, "state-hash")[1]["state_hash"] != before

    code, refused = plait(file, "steward", "different", *sides, "--reason", "two cards")
    assert (code, refused["code"]) == (1, "contradicts")
    assert made["decision"]["id"] in refused["detail"]

    assert plait(file, "resolve", "--all")[0] == 0
    assert plait(file, "profile", "user_id:bob")[1]["profile_id"] == profiles[0]

    plait(file, "steward", "withdraw", made["decision"]["id"], "--reason", "a mistake")
    assert plait(file, "state-hash")[1]["state_hash"] == before
    (listed,) = plait(file, "steward", "list")[1]["decisions"]
    assert (listed["force"], listed["by"]) == ("withdrawn", "eve")
