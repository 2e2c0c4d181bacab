"""Replay: messages of the log again through the real land step, offsets untouched.

Idempotent: an event that counted before counts once, so nothing changes unless something was
missing. What a filter leaves out is not read again, only passed over.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Clock, EventLog, Message, Partition
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.wire.events import TOPIC, ChannelEvent, decode
from services.resolver.land import Landing
from services.resolver.quarantine import Quarantine
from services.resolver.restarts import with_restarts
from services.resolver.standing import Standing

BATCH_MESSAGES_MAX = 1_000
POLL_MS = 500
SILENCE_SECONDS_MAX = 60  # of a log that holds more and gives nothing

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
    """Read the log from its beginning to where it ends now; poison becomes a dead letter again.

    Several at once disturb neither each other nor the workers. Raises RetryableError when the log
    stops answering before its end.
    """
    standing = standing or Standing()
    quarantine = Quarantine(store, standing)
    read = taken = changes = refused = 0
    for messages in _whole(log, clock):
        wanted = [message for message in messages if only.takes(message)]
        read += len(messages)
        taken += len(wanted)
        if wanted:
            landing = _land(store, standing, quarantine, wanted, clock)
            changes += landing.accepted
            refused += landing.refused
        if progress is not None:
            progress(len(messages))
    return Replayed(read=read, taken=taken, changes=changes, refused=refused)


def _whole(log: EventLog, clock: Clock) -> Iterator[list[Message]]:
    """Every message up to where each partition ends now, in batches."""
    ends = log.end_offsets(TOPIC)
    consumer = log.consumer(topics=[TOPIC], group=None, start=_from_the_start)
    try:
        heard_at = clock.now()
        while not _reaches(consumer.positions(), ends):
            messages = consumer.poll(records_max=BATCH_MESSAGES_MAX, timeout_ms=POLL_MS)
            if messages:
                yield [each for each in messages if each.offset < ends.get(each.partition, 0)]
                heard_at = clock.now()
            elif clock.now() - heard_at > SILENCE_SECONDS_MAX * 1_000_000:
                raise RetryableError("the log could not be read to its end; replay again")
    finally:
        consumer.close()


def _reaches(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> bool:
    """One without a position yet may be empty all the same."""
    return all(positions.get(each, 0) >= end for each, end in ends.items())


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
