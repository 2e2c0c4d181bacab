"""What a worker tells of its work: metrics, log lines, readiness; and how it waits."""

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import pytest
from starlette.testclient import TestClient

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.prometheus import Metrics
from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage, Partition, Position
from services.identity.store import RestartBatch, Transaction
from services.identity.wire.events import TOPIC
from services.resolver.backoff import PAUSE_SECONDS_MAX, Backoff
from services.resolver.consume import Bounds, Worker
from services.resolver.door import create_app
from services.resolver.journal import Journal
from services.resolver.metrics import WorkerMetrics
from services.resolver.observe import Observer, Several, Silent
from services.resolver.parts import Part
from services.resolver.pulse import TURN_SECONDS_MAX, Pulse
from tests.factories import channel_event, outgoing, still_clock
from tests.resolver_home import Home, shared_standing

EMAIL = "kate.whitfield@example.org"


class Ticks:
    """A timer of which every look takes a second."""

    def __init__(self) -> None:
        self._ticks = count()

    def __call__(self) -> float:
        return float(next(self._ticks))


def watched(home: Home, observer: Observer) -> Worker:
    """Another worker of the home's group; the first one's partitions become its own."""
    home.worker.close()
    return Worker(
        store=home.store,
        log=home.log,
        clock=still_clock(),
        bounds=Bounds(poll_ms=0),
        standing=shared_standing(),
        observer=observer,
    )


def say(home: Home, worker: Worker, *messages: OutgoingMessage) -> None:
    home.log.producer().append(list(messages))
    while worker.turn():
        pass


def some_events() -> list[OutgoingMessage]:
    """Two people, and one of the two said twice."""
    traits = {"email": EMAIL}
    told = [
        channel_event(user_id="u-1", message_id="m-1", traits=traits),
        channel_event(user_id="u-2", message_id="m-2", source="app", traits=traits),
        channel_event(user_id="u-1", message_id="m-1", traits=traits),
    ]
    return [outgoing(each) for each in told]


def sample(metrics: Metrics, line: str) -> float:
    """The value of the one sample that is written like this."""
    text = metrics.exposition().decode().splitlines()
    (found,) = [each for each in text if each.startswith(f"{line} ")]
    return float(found.rpartition(" ")[2])


def test_a_workers_turns_are_counted() -> None:
    home, metrics = Home(), Metrics()
    worker = watched(home, WorkerMetrics(metrics.registry, timer=Ticks()))
    broken = OutgoingMessage(topic="channel-events", key=b"k", value=b"{")
    say(home, worker, *some_events(), broken)
    name = "plait_resolver"
    assert sample(metrics, f'{name}_messages_total{{outcome="accepted"}}') == 2
    assert sample(metrics, f'{name}_messages_total{{outcome="copy"}}') == 1
    assert sample(metrics, f'{name}_messages_total{{outcome="refused"}}') == 1
    assert sample(metrics, f'{name}_dead_letters_total{{reason="broken_json"}}') == 1
    assert sample(metrics, f'{name}_batch_size_sum{{stage="land"}}') == 4
    assert sample(metrics, f'{name}_batch_size_sum{{stage="resolve"}}') == 2
    for stage in ("land", "resolve", "relay"):
        assert sample(metrics, f'{name}_stage_seconds_count{{stage="{stage}"}}') == 1
        assert sample(metrics, f'{name}_stage_seconds_sum{{stage="{stage}"}}') >= 1
    spent = [sample(metrics, f'{name}_part_seconds_sum{{part="{part}"}}') for part in Part]
    assert all(seconds >= 1 for seconds in spent)
    assert sum(spent) <= sample(metrics, f'{name}_stage_seconds_sum{{stage="resolve"}}')
    assert sample(metrics, f'{name}_changes_told_total{{type="profile.created"}}') >= 1
    assert sample(metrics, f"{name}_profiles_total") >= 1
    assert EMAIL not in metrics.exposition().decode()


def test_lag_is_measured_when_it_is_due() -> None:
    home, metrics = Home(), Metrics()
    counted = WorkerMetrics(metrics.registry, timer=Ticks(), lag_seconds=1_000.0)
    worker = watched(home, counted)
    home.log.producer().append(some_events())
    stop = StopAfter(1)
    worker.run(stop)
    assert sample(metrics, "plait_resolver_lag_events") == 0
    assert sample(metrics, "plait_resolver_dirty_rows") == 0
    assert not counted.wants_lag()


class StopAfter(threading.Event):
    """Set after so many turns; waiting takes no time."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self._turns = turns
        self.pauses: list[float] = []

    def is_set(self) -> bool:
        self._turns -= 1
        return self._turns < 0

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return False


class Failing(Silent):
    """Notes what failed, and how often a turn went well."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.turns = 0

    def failed(self, error: Exception, *, pause_seconds: float) -> None:  # noqa: ARG002  # an Observer's
        self.errors.append(error)

    def turned(self) -> None:
        self.turns += 1


@pytest.mark.parametrize("error", [RetryableError("away"), RestartBatch("met another")])
def test_a_worker_waits_longer_and_longer_and_then_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    home, seen = Home(), Failing()
    worker = watched(home, seen)
    whole, failures = home.store.transaction, iter(range(4))

    @contextmanager
    def failing() -> Iterator[Transaction]:
        if next(failures, None) is not None:
            raise error
        with whole() as tx:
            yield tx

    home.log.producer().append(some_events())
    monkeypatch.setattr(home.store, "transaction", failing)
    stop = StopAfter(12)
    worker.run(stop)
    assert seen.errors
    assert all(type(each) in {RetryableError, RestartBatch} for each in seen.errors)
    assert stop.pauses == sorted(stop.pauses)
    assert seen.turns == 12 - len(seen.errors)
    assert len(home.people()) == 2


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    backoff = Backoff(lambda: 0.999)
    longest = [backoff.next_seconds() for _ in range(10)]
    assert longest == sorted(longest)
    assert PAUSE_SECONDS_MAX * 0.9 < longest[-1] <= PAUSE_SECONDS_MAX
    shortest = Backoff(lambda: 0.0)
    assert [shortest.next_seconds() * 2 for _ in range(3)] == [0.1, 0.2, 0.4]
    backoff.reset()
    assert backoff.next_seconds() == longest[0]


def test_readiness_follows_the_workers_turns() -> None:
    now = 0.0
    pulse = Pulse(timer=lambda: now)
    metrics = Metrics()
    client = TestClient(create_app(pulse.check, metrics))
    assert client.get("/readyz").status_code == 503
    pulse.turned()
    assert client.get("/readyz").json() == {"status": "ready"}
    pulse.failed(RetryableError("the database went away"), pause_seconds=1.0)
    refused = client.get("/readyz")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == "the database went away"
    pulse.turned()
    now = TURN_SECONDS_MAX + 1
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    asked = (
        'plait_http_requests_total{method="GET",route="/readyz",service="resolver",status="503"}'
    )
    assert sample(metrics, asked) == 3


def test_a_loss_is_counted_logged_and_told_by_readiness(caplog: pytest.LogCaptureFixture) -> None:
    home, metrics, pulse = Home(), Metrics(), Pulse(timer=Ticks())
    journal = Journal(logging.getLogger("plait.resolver"))
    counted = WorkerMetrics(metrics.registry, timer=Ticks())
    worker = watched(home, Several(pulse, counted, journal))
    home.log.producer().append(some_events())
    home.log.remove_before(Position(Partition(TOPIC, 0), 2))
    with caplog.at_level(logging.ERROR, "plait.resolver"):
        assert worker.land_once(wait=False) is None
        assert worker.turn()
    assert sample(metrics, "plait_resolver_messages_lost_total") == 2
    (told,) = caplog.records
    assert (vars(told)["first"], vars(told)["kept"]) == (0, 2)
    pulse.turned()
    client = TestClient(create_app(pulse.check, metrics))
    assert client.get("/readyz").json() == {"status": "ready", "messages_lost": 2}


def test_requests_to_paths_that_do_not_exist_share_a_label() -> None:
    metrics = Metrics()
    client = TestClient(create_app(Pulse(timer=Ticks()).check, metrics))
    for path in ("/kate@example.org", "/another"):
        assert client.request("KATE", path).status_code == 404
    asked = 'plait_http_requests_total{method="other",route="none",service="resolver",status="404"}'
    assert sample(metrics, asked) == 2
    assert b"kate" not in client.get("/metrics").content.lower()


def test_the_journal_tells_each_trouble_once(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(logging.getLogger("plait.resolver"))
    away = RetryableError("the database went away")
    away.__cause__ = ConnectionError(EMAIL)
    with caplog.at_level(logging.INFO, "plait.resolver"):
        for _ in range(3):
            journal.failed(away, pause_seconds=0.1)
        journal.turned()
        journal.turned()
    assert [record.msg for record in caplog.records] == [
        "the world failed; trying again",
        "working again",
    ]
    assert vars(caplog.records[0])["error"] == "ConnectionError"


def test_the_journal_tells_of_letters_and_merges_without_naming_anybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = Home()
    worker = watched(home, Several(Silent(), Journal(logging.getLogger("plait.resolver"))))
    with caplog.at_level(logging.DEBUG, "plait.resolver"):
        broken = OutgoingMessage(topic="channel-events", key=b"k", value=EMAIL.encode())
        say(home, worker, *some_events(), broken)
    lines = {record.msg: vars(record) for record in caplog.records}
    assert lines["dead letters"]["reasons"] == {"broken_json": 1}
    assert lines["landed"]["messages"] == 4
    assert EMAIL not in json.dumps([str(vars(record)) for record in caplog.records])


class Refusing:
    """A producer whose log is away."""

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:  # noqa: ARG002  # a Producer's
        raise RetryableError("the log cannot be reached")

    def close(self) -> None:
        """Nothing is open."""


def test_only_what_the_log_acknowledged_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    home, metrics = Home(), Metrics()
    monkeypatch.setattr(MemoryLog, "producer", lambda _: Refusing())
    worker = watched(home, WorkerMetrics(metrics.registry, timer=Ticks()))
    monkeypatch.undo()
    home.log.producer().append(some_events())
    with pytest.raises(RetryableError):
        worker.turn()
    assert b"plait_resolver_changes_told_total{" not in metrics.exposition()
    assert home.told() == []
