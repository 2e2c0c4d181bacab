"""Replay: messages of the log again through the real land step, offsets untouched.

Idempotent: an event that counted before counts once, so nothing changes unless something was
missing. What a filter leaves out is not read again, only passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import Micros
from services.identity.ports import Clock, EventLog, Message, Partition
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.wire.events import TOPIC, ChannelEvent, decode
from services.resolver.land import Landing
from services.resolver.quarantine import Quarantine
from services.resolver.restarts import with_restarts
from services.resolver.standing import Standing

BATCH_MESSAGES_MAX = 1_000
GROUP = "replay"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which messages are read again: by time of the event, by source, by record key."""

    since: Micros | None = None
    until: Micros | None = None
    source: str | None = None
    key: str | None = None

    def takes(self, message: Message) -> bool:
        """What cannot be read goes through, so that landing refuses it with its reason."""
        if message.value is None:
            return False
        if (self.since, self.until, self.source, self.key) == (None, None, None, None):
            return True
        try:
            event = decode(message.value)
        except ValueError:
            return False
        return self._takes_event(event)

    def _takes_event(self, event: ChannelEvent) -> bool:
        at = round(event.time.timestamp() * 1_000_000)
        return (
            (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and (self.source is None or event.source == self.source)
            and (self.key is None or event.data.record.key == self.key)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`read` messages of the log, of which `taken` were landed again and `changes` were new."""

    read: int
    taken: int
    changes: int
    refused: int


def replay(
    store: ResolverStore,
    log: EventLog,
    clock: Clock,
    *,
    only: Filter,
    progress: Progress | None = None,
    standing: Standing | None = None,
) -> Replayed:
    """Read the log from its beginning to where it ends now; poison becomes a dead letter again."""
    standing = standing or Standing()
    quarantine = Quarantine(store, standing)
    consumer = log.consumer(topics=[TOPIC], group=GROUP, start=_from_the_start)
    read = taken = changes = refused = 0
    try:
        first = consumer.poll(records_max=BATCH_MESSAGES_MAX, timeout_ms=2_000)
        ends = dict(consumer.end_offsets())
        messages: Sequence[Message] = first
        while messages:
            inside = [m for m in messages if m.offset < ends.get(m.partition, 0)]
            wanted = [message for message in inside if only.takes(message)]
            read += len(inside)
            taken += len(wanted)
            if wanted:
                landing = _land(store, standing, quarantine, wanted, clock)
                changes += landing.accepted
                refused += landing.refused
            if progress is not None:
                progress(len(inside))
            if not inside:
                break
            messages = consumer.poll(records_max=BATCH_MESSAGES_MAX, timeout_ms=200)
    finally:
        consumer.close()
    return Replayed(read=read, taken=taken, changes=changes, refused=refused)


def _from_the_start(_: frozenset[Partition]) -> Mapping[Partition, int]:
    """From the first message that the log still holds."""
    return {}


def _land(
    store: ResolverStore,
    standing: Standing,
    quarantine: Quarantine,
    messages: Sequence[Message],
    clock: Clock,
) -> Landing:
    def work(tx: Transaction) -> Landing:
        deriver = standing.deriver(tx, tx.sources())
        return quarantine.land(tx, messages, deriver=deriver, at=clock.now())

    while True:
        try:
            return with_restarts(store, work)
        except RestartBatch:
            raise
        except Exception as error:  # noqa: BLE001  # raised again unless one message explains it
            quarantine.examine(messages, error)
