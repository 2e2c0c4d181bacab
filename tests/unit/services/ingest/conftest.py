"""The collector over a log in memory: a client, and what it appended."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage, Position, Producer, TopicSettings
from services.identity.wire import dead_letter, events
from services.identity.wire.dead_letter import DeadLetter
from services.identity.wire.events import ChannelEvent
from services.ingest.app import create_app
from services.ingest.auth import hash_write_key
from services.ingest.settings import IngestSettings

NOW = Micros(1_795_200_000_000_000)  # 2026-11-20T18:40:00Z
WRITE_KEY = "WK_demo"


@dataclass
class FailingProducer:
    """A producer that can be told to fail."""

    inner: Producer
    error: Exception | None = None
    appends: list[int] = field(default_factory=list)

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        self.appends.append(len(messages))
        if self.error is not None:
            raise self.error
        return self.inner.append(messages)

    def close(self) -> None:
        self.inner.close()

    def break_down(self) -> None:
        self.error = RetryableError("the log cannot be reached")


@dataclass
class Collector:
    client: TestClient
    log: MemoryLog
    producer: FailingProducer
    sources: MemorySources
    clock: ManualClock

    def accepted(self) -> list[ChannelEvent]:
        return [events.decode(value) for value in self._values(events.TOPIC)]

    def dead(self) -> list[DeadLetter]:
        return [dead_letter.decode(value) for value in self._values(events.DEAD_LETTER_TOPIC)]

    def _values(self, topic: str) -> list[bytes]:
        partitions = self.log.partitions_of([topic])
        messages = [each for partition in partitions for each in self.log.messages[partition]]
        return [each.value for each in messages if each.value is not None]


def authorization(write_key: str = WRITE_KEY) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}


def open_collector(settings: IngestSettings | None = None) -> Collector:
    clock = ManualClock(NOW)
    log = MemoryLog(clock)
    names = (events.TOPIC, events.DEAD_LETTER_TOPIC)
    log.ensure_topics([TopicSettings(name=name, partitions=2) for name in names])
    sources = MemorySources()
    web = Source(name=SourceName("web"), channel="web", workspace="main")
    sources.register(web, write_key_hash=hash_write_key(WRITE_KEY), at=NOW)
    producer = FailingProducer(log.producer())
    app = create_app(settings or IngestSettings(), producer, sources, clock)
    return Collector(TestClient(app), log, producer, sources, clock)


@pytest.fixture
def collector() -> Iterator[Collector]:
    opened = open_collector()
    with opened.client:
        yield opened
