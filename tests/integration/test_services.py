"""Four processes on a database by its URL: found, read, counted, stopped, and silent about people.

One set of processes is started for all tests here, and the tests go in their order.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg
import pytest
from typer.testing import CliRunner

from services.cli.demo.api import ProfileApi
from services.cli.demo.doors import Doors
from services.cli.demo.story import BEFORE_THE_CALL, KATE, THE_CALL, Chapter, Door
from services.cli.home import Home
from services.cli.keys import API_KEY
from services.cli.main import app
from services.cli.running import Running, processes, stop_processes
from services.identity.wire.events import TOPIC

pytestmark = [pytest.mark.slow, pytest.mark.integration]

ROLES = Path(__file__).parents[2] / "infra" / "postgres" / "roles.sql"
SERVICES = ("ingest", "api", "resolver", "resolver")
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 10.0
STORY: Sequence[Chapter] = (*BEFORE_THE_CALL, THE_CALL)
SECRET_CHARS_MIN = 4  # shorter values (a price, a house's number) stand in counts, too


@dataclass
class World:
    """The processes, what they wrote, and where they are found."""

    configuration: Path
    home: Home
    database: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def log_of(self, number: int) -> Path:
        return self.configuration.with_name(f"{number}.log")

    def lines(self) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for number in range(len(self.processes))
            for line in self.log_of(number).read_text().splitlines()
        ]

    def running(self) -> list[Running]:
        return processes(self.home.path)

    def urls(self, service: str) -> list[str]:
        return [each.urls[service] for each in self.running() if service in each.services]


@pytest.fixture(scope="module")
def world(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("services")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plait_services")
    database = urlunsplit(urlsplit(postgres_url)._replace(path="/plait_services"))
    configuration = folder / "plait.yaml"
    configuration.write_text(
        f"database: {database}\n"
        "pepper: a pepper for tests\n"
        "ports: {api: 0, ingest: 0, resolver: 0}\n"
    )
    home = Home(configuration)
    home.ensure_default_sources()
    home.ensure_api_key()
    with home.connection() as connection:
        connection.execute(ROLES.read_text().encode())
        connection.commit()
    made = World(configuration, home, database)
    try:
        for number, service in enumerate(SERVICES):
            made.processes.append(_start(made, number, service))
        _wait_until_ready(made)
        yield made
    finally:
        stop_processes(home.path)
        for each in made.processes:
            each.wait(STOP_SECONDS_MAX)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE plait_services WITH (FORCE)")


def _start(world: World, number: int, service: str) -> "subprocess.Popen[bytes]":
    """As its own role of the database, which may do a service's work and nothing else."""
    role_url = world.database.replace("://postgres@", f"://plait_{service}@")
    with world.log_of(number).open("wb") as log:
        return subprocess.Popen(  # noqa: S603  # our own command with our own arguments
            [
                *(sys.executable, "-m", "services.cli", "run", service),
                *("--config", str(world.configuration), "--log-level", "debug"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # where its keys stand
            stderr=log,
            env=os.environ | {"PLAIT_DATABASE": role_url},
        )


def _wait_until_ready(world: World) -> None:
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while sum(each.is_ready for each in world.running()) < len(SERVICES):
        assert time.monotonic() < give_up_at, world.lines()
        assert all(each.poll() is None for each in world.processes), world.lines()
        time.sleep(0.05)


def plait(world: World, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*arguments, "--config", str(world.configuration)])
    return done.exit_code, done.stdout


def metric(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    total = 0.0
    for line in text.splitlines():
        sample = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if sample and sample[1] == name:
            found = dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or ""))
            if labels.items() <= found.items():
                total += float(sample[3])
    return total


def metrics(world: World, service: str) -> str:
    return "\n".join(httpx2.get(f"{url}/metrics").text for url in world.urls(service))


def test_every_process_is_listed_alive_and_ready(world: World) -> None:
    code, printed = plait(world, "status", "--json")
    document = json.loads(printed)
    assert (code, document["running"]) == (0, True)
    listed = {(each["pid"], *each["services"]) for each in document["processes"]}
    assert listed == {
        (process.pid, service) for process, service in zip(world.processes, SERVICES, strict=True)
    }
    for service in set(SERVICES):
        for url in world.urls(service):
            assert httpx2.get(f"{url}/healthz").status_code == 200
            assert httpx2.get(f"{url}/readyz").status_code == 200


def test_a_story_goes_from_ingest_through_the_resolvers_to_the_api(world: World) -> None:
    (ingest,) = world.urls("ingest")
    (api,) = world.urls("api")
    keys = world.home.keys()
    log = world.home.log()
    doors = Doors(ingest, keys, log_ends=lambda: log.end_offsets(TOPIC), fixed=True)
    profiles = ProfileApi(api, keys[API_KEY])
    events = 0
    for sending in itertools.chain.from_iterable(chapter.sendings for chapter in STORY):
        reached = doors.send_as_they_are(sending)
        events += len(sending.events)
        profiles.wait_for(reached, seconds_max=START_SECONDS_MAX)
    doors.close()
    wrong = {"traits": {"email": "nobody.knows@example.org"}, "messageId": "nobodys-1"}
    answered = httpx2.post(f"{ingest}/v1/identify", json=wrong, auth=(keys["web"], ""))
    assert answered.status_code == 400
    assert len(profiles.profile(KATE)["records"]) > 2
    profiles.close()

    counted = metrics(world, "resolver")
    assert metric(counted, "plait_resolver_messages_total", outcome="accepted") == events
    assert metric(counted, "plait_resolver_changes_told_total", type="profile.merged") >= 1
    for stage in ("poll", "land", "resolve", "relay"):
        assert metric(counted, "plait_resolver_stage_seconds_count", stage=stage) > 0, stage
    assert metric(counted, "plait_resolver_batch_size_sum", stage="land") == events
    assert metric(counted, "process_resident_memory_bytes") > 0
    counted = metrics(world, "ingest")
    assert metric(counted, "plait_ingest_accepted_total") == events
    assert metric(counted, "plait_ingest_refused_total", reason="no_identifier") == 1
    refused = {"service": "ingest", "route": "/v1/identify", "status": "400"}
    assert metric(counted, "plait_http_requests_total", **refused) == 1
    counted = metrics(world, "api")
    asked = {"service": "profile_api", "route": "/v1/profiles/{who}"}
    assert metric(counted, "plait_http_request_seconds_count", **asked) >= 1
    for service in set(SERVICES):
        assert named(metrics(world, service), said()) == []


def test_a_service_that_is_asked_to_stop_ends_within_ten_seconds(world: World) -> None:
    """Under load; and what was answered 200 is there after."""
    sender = _Sender(world.urls("ingest")[0], world.home.keys()["web"])
    log = world.home.log()
    before = sum(log.end_offsets(TOPIC).values())
    sender.start()
    time.sleep(0.5)
    begun = time.monotonic()
    for process in world.processes:
        process.send_signal(signal.SIGTERM)
    for process, service in zip(world.processes, SERVICES, strict=True):
        assert process.wait(STOP_SECONDS_MAX + 2) == 0, service
    assert time.monotonic() - begun < STOP_SECONDS_MAX
    sender.join()
    assert sender.accepted > 0
    assert sum(log.end_offsets(TOPIC).values()) >= before + sender.accepted
    code, printed = plait(world, "status", "--json")
    assert (code, json.loads(printed)["processes"]) == (1, [])


class _Sender(threading.Thread):
    """Posts one event after the other until nobody answers."""

    def __init__(self, ingest: str, key: str) -> None:
        super().__init__(daemon=True)
        self._ingest, self._key = ingest, key
        self.accepted = 0

    def run(self) -> None:
        with suppress(httpx2.TransportError), httpx2.Client(base_url=self._ingest) as client:
            for number in itertools.count():
                body = {"userId": f"load-{number}", "traits": {"email": f"l{number}@example.org"}}
                answer = client.post("/v1/identify", json=body, auth=(self._key, ""))
                self.accepted += answer.status_code == 200


def test_the_logs_tell_what_happened_and_name_nobody(world: World) -> None:
    lines = world.lines()
    told = {line["event"] for line in lines}
    assert told >= {"listening", "ready", "landed", "resolved", "relayed", "stopping", "stopped"}
    assert "profiles changed hands" in told
    assert {line["level"] for line in lines} <= {"debug", "info", "warning"}
    text = "".join(world.log_of(number).read_text() for number in range(len(SERVICES)))
    assert named(text, said()) == []
    assert named(text, world.home.keys().values()) == []


def said() -> list[str]:
    """Every value that somebody in the story said of themselves, and the load's addresses."""
    events = [event for chapter in STORY for each in chapter.sendings for event in each.events]
    return [*_values(events), "load-1", "l1@example.org", "nobody.knows@example.org"]


def _values(found: Any) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(found, Mapping):
        for name, value in found.items():
            if name not in {"type", "event", "timestamp"}:
                yield from _values(value)
    elif isinstance(found, str):
        yield found
    elif isinstance(found, Sequence):
        for each in found:
            yield from _values(each)


def named(text: str, values: Any) -> list[str]:  # noqa: ANN401  # any iterable of texts
    """Those that stand in the text as words of their own."""
    long = {each for each in values if len(each) >= SECRET_CHARS_MIN}
    return sorted(each for each in long if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text))


def test_the_search_for_personal_values_finds_them() -> None:
    assert len(named(json.dumps([list(_values(c.sendings[0].events)) for c in STORY]), said())) > 20
    assert Door.SDK in {each.door for chapter in STORY for each in chapter.sendings}
