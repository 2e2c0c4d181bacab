"""One order of a log through the worker, on stores in memory: what the state comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from services.cli.home import DEFAULT_SOURCES
from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.ids import Micros
from services.identity.ports import OutgoingMessage, TopicSettings
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.linkage.model import LinkageModel
from services.resolver.consume import Bounds, Worker
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash

TOPICS = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
BATCHES = (20, 50, 100, 200, 500)
PARTITIONS_MAX = 12
PORTIONS_MAX = 4  # the log grows so many times, and is resolved in between
REPEATED = 0.1  # of the messages
LANDED_AT = Micros(1_800_000_000_000_000)  # every message: it says nothing of the state


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a log is told: shuffled, some of it twice, over partitions, in portions, in batches."""

    messages: Sequence[OutgoingMessage]
    partitions: int
    portions: int
    batch: int


def order_of(messages: Sequence[OutgoingMessage], *, seed: int) -> Order:
    """Order 0 is the log as it was told; every other seed an order of its own."""
    if seed == 0:
        return Order(messages=messages, partitions=1, portions=1, batch=BATCHES[-1])
    chance = Random(f"{seed} order")  # noqa: S311  # repeatable on purpose
    again = chance.sample(list(messages), round(len(messages) * REPEATED))
    shuffled = [*messages, *again]
    chance.shuffle(shuffled)
    return Order(
        messages=shuffled,
        partitions=chance.randint(1, PARTITIONS_MAX),
        portions=chance.randint(1, PORTIONS_MAX),
        batch=chance.choice(BATCHES),
    )


def state_after(order: Order, model: LinkageModel, standing: Standing) -> StateHash:
    """Land and resolve all of it; the state when nothing is left to do."""
    sources = MemorySources()
    for source in DEFAULT_SOURCES:
        sources.register(source, write_key_hash=None, at=Micros(0))
    store = MemoryStore(sources)
    store.activate_model(model.version, model.to_json().encode())
    clock = ManualClock(LANDED_AT)
    log = MemoryLog(clock)
    log.ensure_topics([TopicSettings(name=name, partitions=order.partitions) for name in TOPICS])
    worker = Worker(
        store=store,
        log=log,
        clock=clock,
        bounds=Bounds(messages_max=order.batch, marks_max=order.batch, poll_ms=0),
        standing=standing,
    )
    producer = log.producer()
    try:
        size = -(-len(order.messages) // order.portions)
        for start in range(0, len(order.messages), size):
            producer.append(order.messages[start : start + size])
            worker.run_until_caught_up()
    finally:
        worker.close()
    with store.snapshot() as snapshot:
        return state_hash(snapshot)
