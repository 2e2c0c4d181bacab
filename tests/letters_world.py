"""Ingest and resolver over one log in memory: what is refused, sent again, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.testclient import TestClient

from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage, TopicSettings
from services.identity.wire import changes
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.dead_letter import DeadLetter, decode
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.identity.wire.letter_book import Letter, LetterFilter
from services.ingest.app import create_app
from services.ingest.auth import hash_write_key
from services.ingest.formats.limits import Limits
from services.ingest.letter_log import read_book, read_entries
from services.ingest.redrive import Redriven, Redriver
from services.ingest.settings import IngestSettings
from services.resolver.consume import Bounds, Worker
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.resolver_home import MODEL, shared_standing

NOW = Micros(1_795_200_000_000_000)  # 2026-11-20T18:40:00Z
WRITE_KEY = "WK_demo"
GENEROUS = Limits()
TIGHT = Limits(event_bytes_max=400)
WEB = Source(name=SourceName("web"), channel="web", workspace="shop", region="GB")


class LettersWorld:
    """A clock that goes on by a second with each call; sources web, and those that are added."""

    def __init__(self, limits: Limits = GENEROUS, *, standing: Standing | None = None) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog(self.clock)
        topics = (
            TOPIC,
            IDENTITY_COMMANDS,
            DEAD_LETTER_TOPIC,
            changes.PROFILE_CHANGES,
            changes.SEGMENT_CHANGES,
        )
        self.log.ensure_topics(
            [
                TopicSettings(name=topic, partitions=1, message_bytes_max=size)
                for topic, size in (
                    dict.fromkeys(topics, 2**20) | {DEAD_LETTER_TOPIC: 2**21}
                ).items()
            ]
        )
        self.sources = MemorySources()
        self.add_source(WEB)
        self.store = MemoryStore(self.sources)
        self.store.activate_model(MODEL.version, MODEL.to_json().encode())
        settings = IngestSettings(
            event_bytes_max=limits.event_bytes_max,
            events_per_batch_max=limits.events_per_batch_max,
        )
        self._app = create_app(settings, self.log.producer(), self.sources, self.clock)
        self.worker = Worker(
            store=self.store,
            log=self.log,
            clock=self.clock,
            bounds=Bounds(poll_ms=0),
            standing=standing or shared_standing(),
        )

    def add_source(self, source: Source) -> None:
        self.sources.register(source, write_key_hash=hash_write_key(WRITE_KEY), at=NOW)

    def post(self, *calls: tuple[str, Mapping[str, Any]]) -> "LettersWorld":
        with TestClient(self._app) as client:
            for path, body in calls:
                client.post(path, json=body, auth=(WRITE_KEY, ""))
                self.clock.advance(1_000_000)
        return self

    def append(self, *messages: OutgoingMessage) -> "LettersWorld":
        self.log.producer().append([replace(each, topic=TOPIC) for each in messages])
        return self

    def resolve(self) -> "LettersWorld":
        self.worker.run_until_caught_up()
        return self

    def letters(self, wanted: LetterFilter | None = None) -> list[Letter]:
        book, older = read_book(self.log, group="test")
        assert older == 0
        return book.letters(wanted or LetterFilter())

    def entries(self, letters: Sequence[Letter]) -> list[DeadLetter]:
        places = [each.place for each in letters]
        found = read_entries(self.log, places, group="test")
        return [decode(message.value or b"") for message in found]

    def redrive(self, limits: Limits = GENEROUS, *, dry_run: bool = False) -> Redriven:
        """Every open letter, an hour later."""
        self.clock.advance(3_600_000_000)
        with self.store.transaction() as tx:
            sources = tx.sources()
        driver = Redriver(
            sources=sources,
            limits=limits,
            clock=self.clock,
            producer=None if dry_run else self.log.producer(),
        )
        places = [each.place for each in self.letters()]
        entries = read_entries(self.log, places, group="test")
        return driver.redrive(entries, progress=lambda _: None)

    def hash(self) -> StateHash:
        with self.store.snapshot() as snapshot:
            return state_hash(snapshot)
