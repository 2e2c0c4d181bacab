"""The collector on a socket over PostgreSQL, and the unmodified segment-analytics-python SDK."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
import uvicorn
from segment.analytics import Client

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.embedded.log import EmbeddedLog
from services.identity.adapters.sql.sources import SqlSources
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.ports import Message, TopicSettings
from services.identity.wire import events
from services.identity.wire.as_of import reached
from services.ingest.app import create_app
from services.ingest.auth import hash_write_key
from services.ingest.load import load_file
from services.ingest.settings import IngestSettings

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
MAPPING = parse_mapping(
    {
        "key": "id",
        "unique": True,
        "columns": {
            "zz": "email",
            "b": "email",
            "pass": {"kind": "identifier", "type": "passport"},
        },
        "format": {"delimiter": ";", "encoding": "latin-1"},
    }
)
CRM = Source(
    name=SourceName("crm"),
    channel="crm",
    workspace="main",
    trust=3,
    region="GB",
    unique=True,
    mapping=MAPPING,
)
WEB = Source(name=SourceName("web"), channel="web", workspace="main")


@pytest.fixture
def log(database_url: str) -> EmbeddedLog:
    opened = EmbeddedLog(database_url, clock=CLOCK)
    names = (events.TOPIC, events.DEAD_LETTER_TOPIC)
    opened.ensure_topics([TopicSettings(name=name, partitions=2) for name in names])
    return opened


@pytest.fixture
def sources(database_url: str) -> Iterator[SqlSources]:
    opened = SqlSources(database_url)
    opened.register(WEB, write_key_hash=hash_write_key("WK_web"), at=CLOCK.now())
    yield opened
    opened.close()


@pytest.fixture
def collector_url(log: EmbeddedLog, sources: SqlSources) -> Iterator[str]:
    producer = log.producer()
    app = create_app(IngestSettings(), producer, sources, CLOCK)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False)
        server = uvicorn.Server(config)

        def serve() -> None:
            asyncio.run(server.serve(sockets=[listening]))

        thread = threading.Thread(target=serve)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
    producer.close()


def read_all(log: EmbeddedLog) -> list[Message]:
    consumer = log.consumer(topics=[events.TOPIC], group="test", start=lambda _: {})
    try:
        found: list[Message] = []
        while batch := consumer.poll(records_max=100, timeout_ms=200):
            found.extend(batch)
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_the_segment_sdk_is_served_unmodified(
    collector_url: str,
    log: EmbeddedLog,
    gzip: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    errors: list[object] = []
    client = Client(
        "WK_web", host=collector_url, gzip=gzip, on_error=lambda *error: errors.append(error)
    )
    long_ago = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    client.identify("u-9", {"email": "ada@example.org"}, timestamp=long_ago, anonymous_id="a-1")
    client.track("u-9", "Order Completed", {"order_id": "o-1", "total": 9.99})
    client.page("u-9", "Shop", "Home")
    client.screen("u-9", "App", "Main")
    client.group("u-9", "h-2", {"name": "Example"})
    client.alias("u-8", "u-9")
    client.shutdown()

    assert errors == []
    found = {each.type: each for each in (events.decode(m.value or b"") for m in read_all(log))}
    assert sorted(found) == [
        f"plait.{kind}.v1" for kind in ("alias", "group", "identify", "page", "screen", "track")
    ]
    identify = found["plait.identify.v1"]
    assert identify.data.traits == {"email": "ada@example.org"}
    assert abs((identify.time - long_ago).total_seconds()) < 5
    assert found["plait.alias.v1"].data.previous_id == "u-8"


def test_the_sdk_is_told_of_a_wrong_key(collector_url: str, log: EmbeddedLog) -> None:
    errors: list[str] = []
    client = Client(
        "WK_no", host=collector_url, on_error=lambda error, _: errors.append(str(error))
    )
    client.track("u-9", "Order Completed")
    client.shutdown()
    assert len(errors) == 1
    assert "unknown_write_key" in errors[0]
    assert read_all(log) == []


def test_a_source_comes_back_as_it_was_declared(sources: SqlSources) -> None:
    sources.register(CRM, write_key_hash=None, at=Micros(1))
    assert sources.find("crm") == CRM
    assert [each.name for each in sources.every()] == ["crm", "web"]
    read = sources.find("crm")
    assert read is not None
    assert read.mapping is not None
    assert list(read.mapping.columns) == ["zz", "b", "pass"]
    assert sources.by_write_key_hash() == {hash_write_key("WK_web"): WEB}
    assert sources.find("nobody") is None


def test_a_new_declaration_keeps_the_key_unless_it_gives_one(sources: SqlSources) -> None:
    sources.register(WEB, write_key_hash=None, at=Micros(2))
    assert set(sources.by_write_key_hash()) == {hash_write_key("WK_web")}
    sources.register(WEB, write_key_hash=hash_write_key("WK_next"), at=Micros(3))
    assert set(sources.by_write_key_hash()) == {hash_write_key("WK_next")}


def test_a_database_that_is_away_can_be_tried_again() -> None:
    away = SqlSources("postgresql://127.0.0.1:1/nowhere")
    with pytest.raises(RetryableError):
        away.every()


def test_a_file_is_loaded_once(tmp_path: Path, log: EmbeddedLog, sources: SqlSources) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(
        "id;zz;b;pass\n1;ada@example.org;;P1\n2;jürgen@example.org;;\n".encode("latin-1")
    )
    producer = log.producer()
    first, second = (
        load_file(path, source=CRM, producer=producer, clock=CLOCK, loads=sources) for _ in range(2)
    )
    producer.close()
    assert (first.accepted, first.loaded_before) == (2, None)
    assert (second.accepted, second.loaded_before is not None) == (0, True)
    found = [events.decode(message.value or b"") for message in read_all(log)]
    assert {each.data.traits["zz"] for each in found} == {"ada@example.org", "jürgen@example.org"}


def test_as_of_tells_where_the_event_stands(collector_url: str, log: EmbeddedLog) -> None:
    event = {"userId": "u-9", "event": "Seen", "writeKey": "WK_web"}
    told = httpx2.post(f"{collector_url}/v1/track", json=event).json()["as_of"]
    (message,) = read_all(log)
    assert reached(told) == {message.partition: message.offset + 1}
