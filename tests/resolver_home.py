"""A home in memory whose worker lands and resolves what it is told, at once."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SourceName
from services.identity.domain.merge_policy import MergePolicy
from services.identity.domain.source import Source
from services.identity.domain.steward import Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.ports import OutgoingMessage, Partition, TopicSettings
from services.identity.wire import changes
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.commands import outgoing as commands_on_the_wire
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC, ChannelEvent
from services.linkage.score import PairScorer
from services.resolver.consume import Bounds, Worker
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.factories import outgoing, still_clock, untrained_model

MODEL = untrained_model()
SOURCES = (
    Source(name=SourceName("web"), channel="web", workspace="shop", region="GB"),
    Source(name=SourceName("app"), channel="app", workspace="shop", trust=1),
    Source(name=SourceName("bank"), channel="web", workspace="bank"),
    Source(name=SourceName("billing"), channel="billing", workspace="shop", unique=True),
)


@cache
def shared_standing() -> Standing:
    """One compiled scorer for every home."""
    return Standing(scorer=PairScorer(MODEL))


class Home:
    """Sources web, app and billing of one workspace, bank of another."""

    def __init__(
        self,
        *,
        sources: Iterable[Source] = SOURCES,
        holders_max: int | None = None,
        blast_max: int | None = None,
        policy: MergePolicy | None = None,
        standing: Standing | None = None,
    ) -> None:
        standing = standing or shared_standing()
        scorer = standing.scorer or PairScorer(MODEL)
        known = MemorySources()
        for source in sources:
            known.register(source, write_key_hash=None, at=Micros(0))
        self.store = MemoryStore(known)
        self.store.activate_model(scorer.model.version, scorer.model.to_json().encode())
        self.log = MemoryLog(still_clock())
        topics = (
            TOPIC,
            IDENTITY_COMMANDS,
            DEAD_LETTER_TOPIC,
            changes.PROFILE_CHANGES,
            changes.SEGMENT_CHANGES,
        )
        self.log.ensure_topics([TopicSettings(name=topic, partitions=1) for topic in topics])
        self.worker = Worker(
            store=self.store,
            log=self.log,
            clock=still_clock(),
            bounds=Bounds(poll_ms=0),
            standing=standing
            if holders_max is None and blast_max is None and policy is None
            else Standing(
                scorer=scorer,
                generic_holders_max=holders_max,
                blast_records_max=blast_max,
                merge_policy=policy,
            ),
        )

    def say(self, *events: ChannelEvent) -> "Home":
        """Append, land, resolve and relay until nothing is left."""
        self.log.producer().append([outgoing(event) for event in events])
        self.worker.run_until_caught_up()
        return self

    def decide(self, *commands: Decision | Withdrawal | ValueWord) -> "Home":
        """What stewards say, landed and resolved."""
        self.log.producer().append([commands_on_the_wire(each) for each in commands])
        self.worker.run_until_caught_up()
        return self

    def command(self, value: bytes) -> None:
        """A command as bytes, whatever they are."""
        message = OutgoingMessage(topic=IDENTITY_COMMANDS, key=b"k", value=value)
        self.log.producer().append([message])
        self.worker.run_until_caught_up()

    @property
    def dead_letters(self) -> Partition:
        return Partition(DEAD_LETTER_TOPIC, 0)

    def append(self, value: bytes) -> "Home":
        """A message as bytes, whatever they are."""
        self.log.producer().append([OutgoingMessage(topic=TOPIC, key=b"k", value=value)])
        self.worker.run_until_caught_up()
        return self

    def profile_of(self, key: RecordKey) -> ProfileId | None:
        tables = self.store.tables
        return tables.members[tables.numbers[key]].profile

    def documents(self) -> dict[ProfileId, Any]:
        with self.store.snapshot() as snapshot:
            return {each: json.loads(document) for each, document in snapshot.profiles()}

    def people(self) -> set[frozenset[str]]:
        """The partition, a record by its key alone."""
        return {
            frozenset(key for _, _, key in document["records"])
            for document in self.documents().values()
        }

    def told(self, topic: str = changes.PROFILE_CHANGES) -> list[changes.ChangeMessage]:
        messages = [m for p, found in self.log.messages.items() if p.topic == topic for m in found]
        return [changes.decode(message.value or b"") for message in messages]

    def hash(self) -> StateHash:
        with self.store.snapshot() as snapshot:
            return state_hash(snapshot)
