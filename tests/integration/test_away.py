"""A database that goes away, at rest, in the middle of a transaction and before the start.

Everything waits for it, says so, and goes on where it was: no event is lost, none counts twice.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.cli.apps import api_app, ingest_app, new_pulse, open_home, work
from services.cli.home import Home, stop_home
from services.cli.keys import API_KEY
from services.identity.adapters.embedded import server
from services.identity.adapters.prometheus import Metrics
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.errors import RetryableError
from services.resolver import hand, quarantine
from services.resolver.consume import is_caught_up
from services.resolver.pulse import Pulse

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECONDS_MAX = 40.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home of its own: its server is stopped and started here."""
    path = tmp_path_factory.mktemp("away") / "home"
    opened = Home(path)
    opened.ensure_default_sources()
    opened.ensure_api_key()
    opened.log().close()
    try:
        yield opened
    finally:
        stop_home(path)


@contextmanager
def working(home: Home, metrics: Metrics) -> Iterator[Pulse]:
    """A resolver's work as `plait run resolver` does it; its errors come out at the end."""
    pulse, stop, failures = new_pulse(), threading.Event(), []

    def run() -> None:
        try:
            work(home, stop, pulse, metrics)
        except BaseException as error:  # noqa: BLE001  # raised below, in the test's own thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield pulse
    finally:
        stop.set()
        thread.join(SECONDS_MAX)
        assert not thread.is_alive()
        assert failures == []


@contextmanager
def asking(app: Any) -> Iterator[Callable[..., httpx2.Response]]:  # noqa: ANN401  # FastAPI
    """Requests to an application from a test that is not asynchronous, all in one event loop."""

    async def opened() -> tuple[Any, httpx2.AsyncClient]:
        lifespan = app.router.lifespan_context(app)
        await lifespan.__aenter__()
        transport = httpx2.ASGITransport(app=app)
        return lifespan, httpx2.AsyncClient(transport=transport, base_url="http://plait.invalid")

    with asyncio.Runner() as runner:
        lifespan, client = runner.run(opened())

        def ask(method: str, path: str, **given: Any) -> httpx2.Response:  # noqa: ANN401  # httpx2's
            return runner.run(client.request(method, path, **given))

        try:
            yield ask
        finally:
            runner.run(client.aclose())
            runner.run(lifespan.__aexit__(None, None, None))


def wait_until(holds: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


def is_ready(pulse: Pulse) -> bool:
    try:
        pulse.check()
    except RetryableError:
        return False
    return True


def post(ask: Callable[..., httpx2.Response], home: Home, number: int) -> httpx2.Response:
    body = {
        "userId": f"u-{number}",
        "messageId": f"m-{number}",
        "traits": {"email": f"p{number}@example.org"},
    }
    return ask("POST", "/v1/identify", json=body, auth=(home.keys()["web"], ""))


def insist(ask: Callable[..., httpx2.Response], home: Home, number: int) -> None:
    """As senders do: what is not answered 200 is sent again."""
    wait_until(lambda: post(ask, home, number).status_code == 200, "ingest does not come back")


def resolved(home: Home) -> int:
    """Records that stand in a profile; every one of them has its one event."""
    with home.connection() as connection:
        row = connection.execute(
            "SELECT count(*), (SELECT count(*) FROM event) FROM membership"
        ).fetchone()
    assert row is not None
    assert row[0] == row[1]
    return int(row[0])


def caught_up(home: Home) -> bool:
    store = SqlStore(home.url)
    try:
        return is_caught_up(store, home.log())
    except RetryableError:
        return False
    finally:
        store.close()


def refuses(response: httpx2.Response) -> bool:
    return (
        response.status_code == 503
        and response.headers["retry-after"] == "1"
        and response.headers["content-type"] == "application/problem+json"
    )


def test_a_database_that_goes_away_at_rest_is_waited_for(home: Home) -> None:
    before, metrics = resolved(home), Metrics()
    with (
        working(home, metrics) as pulse,
        asking(api_app(home)) as api,
        ingest_app(home, Metrics()) as app,
        asking(app) as ingest,
    ):
        bearer = {"Authorization": f"Bearer {home.keys()[API_KEY]}"}
        wait_until(lambda: is_ready(pulse), "the worker does not start")
        assert post(ingest, home, 1).status_code == 200
        assert api("GET", "/readyz").status_code == 200
        assert ingest("GET", "/readyz").status_code == 200
        wait_until(lambda: resolved(home) == before + 1, "the first event is not resolved")

        server.stop(home.path)
        wait_until(lambda: not is_ready(pulse), "the worker does not notice")
        assert refuses(api("GET", "/readyz"))
        assert refuses(api("GET", "/v1/profiles/email:p1@example.org", headers=bearer))
        assert refuses(post(ingest, home, 2))
        wait_until(lambda: refuses(ingest("GET", "/readyz")), "ingest's readiness ignores the log")
        assert ingest("GET", "/healthz").status_code == 200

        server.start(home.path)
        assert post(ingest, home, 2).status_code == 200
        wait_until(lambda: is_ready(pulse), "the worker does not come back")
        wait_until(lambda: resolved(home) == before + 2, "the second event is not resolved")
        found = api("GET", "/v1/profiles/email:p1@example.org", headers=bearer)
        assert found.status_code == 200
    assert b"plait_resolver_failures_total{" in metrics.exposition()


@pytest.mark.parametrize(
    ("module", "name"), [(quarantine, "land"), (hand, "resolve")], ids=["landing", "resolving"]
)
def test_a_database_that_goes_away_in_a_transaction_loses_nothing(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,  # noqa: ANN401  # a module
    name: str,
) -> None:
    before, metrics = resolved(home), Metrics()
    whole, tear = getattr(module, name), threading.Event()

    def torn(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as what it stands for
        done = whole(*args, **kwargs)
        if done is not None and tear.is_set():
            server.stop(home.path)  # all is written, nothing is committed
            tear.clear()
            threading.Timer(0.5, server.start, [home.path]).start()
        return done

    monkeypatch.setattr(module, name, torn)
    with (
        working(home, metrics) as pulse,
        ingest_app(home, Metrics()) as app,
        asking(app) as ingest,
    ):
        wait_until(lambda: is_ready(pulse), "the worker does not start")
        tear.set()
        for number in range(before + 100, before + 110):
            insist(ingest, home, number)
        wait_until(lambda: not tear.is_set(), "nothing was torn")
        wait_until(lambda: server.is_running(home.path), "the server is not started again")
        wait_until(lambda: is_ready(pulse) and caught_up(home), "the worker does not come back")
        assert resolved(home) == before + 10
    assert b'plait_resolver_messages_total{outcome="refused"} 0.0' in metrics.exposition()


def test_a_database_that_is_away_at_the_start_is_waited_for(home: Home) -> None:
    server.stop(home.path)
    starting = threading.Timer(0.5, server.start, [home.path])
    with working(home, Metrics()) as pulse:
        time.sleep(0.2)
        assert not is_ready(pulse)
        starting.start()
        wait_until(lambda: is_ready(pulse), "the worker does not start")


def test_a_start_waits_for_the_database_until_it_is_told_to_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, tries = threading.Event(), 0

    def make() -> Home:
        nonlocal tries
        tries += 1
        if tries == 3:
            stop.set()
        raise RetryableError("the database cannot be reached (no answer)")

    log = logging.getLogger("plait")
    assert open_home(make, stop, log, needs_log=True) is None
    assert tries == 3
    assert [record.msg for record in caplog.records] == ["waiting for the database and the log"] * 3


def test_a_database_that_refuses_connections_is_away(tmp_path: Path) -> None:
    configuration = tmp_path / "plait.yaml"
    configuration.write_text("database: postgresql://plait@127.0.0.1:1/plait")
    with pytest.raises(RetryableError, match="cannot be reached"):
        Home(configuration)


def test_a_store_whose_server_was_stopped_says_so_and_comes_back(home: Home) -> None:
    store = SqlStore(home.url)
    assert store.pending_work() == 0
    server.stop(home.path)
    for _ in range(2):  # on the lost connection, and where none can be made
        with pytest.raises(RetryableError):
            store.pending_work()
    server.start(home.path)
    assert store.pending_work() == 0
    store.close()
