"""Replay: messages of the log again through the real land step, offsets untouched.

Idempotent: an event or a command that counted before counts once, so nothing changes unless
something was missing. What a filter leaves out is not read again, only passed over.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.errors import RejectedError, RetryableError
from services.identity.domain.ids import Micros
from services.identity.domain.steward import Decision, Withdrawal
from services.identity.ports import Clock, EventLog, Message, Partition
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.commands import read as read_command
from services.identity.wire.events import TOPIC, decode
from services.resolver.land import Landing
from services.resolver.quarantine import Quarantine
from services.resolver.restarts import with_restarts
from services.resolver.standing import Standing
from services.resolver.steward import land_commands, split

BATCH_MESSAGES_MAX = 1_000
POLL_MS = 500
TOPICS = (TOPIC, IDENTITY_COMMANDS)
SILENCE_SECONDS_MAX = 60  # of a log that holds more and gives nothing

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which messages are read again: by topic, by time, by source, by record key.

    The time of a command is when it was decided; it is of the records that it names.
    """

    since: Micros | None = None
    until: Micros | None = None
    source: str | None = None
    key: str | None = None
    topics: Sequence[str] = TOPICS

    def takes(self, message: Message) -> bool:
        """What cannot be read goes through, so that landing refuses it with its reason."""
        if message.value is None:
            return False
        if (self.since, self.until, self.source, self.key) == (None, None, None, None):
            return True
        if message.partition.topic == IDENTITY_COMMANDS:
            return self._takes_command(message.value)
        try:
            event = decode(message.value)
        except ValueError:
            return False
        at = round(event.time.timestamp() * 1_000_000)
        return self._takes_time(at) and self._takes_record(event.source, event.data.record.key)

    def _takes_command(self, value: bytes) -> bool:
        """What takes a decision back goes with those of any record: it names none itself."""
        try:
            said = read_command(value)
        except RejectedError:
            return False
        if not self._takes_time(said.decided_at):
            return False
        if not isinstance(said, Decision):
            return isinstance(said, Withdrawal) or (self.source, self.key) == (None, None)
        return any(self._takes_record(each.source, each.key) for each in said.records())

    def _takes_time(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def _takes_record(self, source: str, key: str) -> bool:
        return self.source in (None, source) and self.key in (None, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`read` messages of the log, of which `taken` were landed again and `changes` were new.

    Of those taken `commands` are what stewards decided.
    """

    read: int
    taken: int
    changes: int
    refused: int
    commands: int


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
    read = taken = changes = refused = commands = 0
    for messages in _whole(log, clock, only.topics):
        wanted = [message for message in messages if only.takes(message)]
        read += len(messages)
        taken += len(wanted)
        commands += sum(each.partition.topic == IDENTITY_COMMANDS for each in wanted)
        if wanted:
            landing = _land(store, standing, quarantine, wanted, clock)
            changes += landing.accepted
            refused += landing.refused
        if progress is not None:
            progress(len(messages))
    return Replayed(read=read, taken=taken, changes=changes, refused=refused, commands=commands)


def _whole(log: EventLog, clock: Clock, topics: Sequence[str]) -> Iterator[list[Message]]:
    """Every message up to where each partition ends now, in batches."""
    ends = {place: end for topic in topics for place, end in log.end_offsets(topic).items()}
    consumer = log.consumer(topics=topics, group=None, start=_from_the_start)
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
        at = clock.now()
        events, commands = split(messages)
        landing = quarantine.land(tx, events, deriver=deriver, at=at)
        return land_commands(tx, commands, landing, at=at)

    while True:
        try:
            return with_restarts(store, work)
        except RestartBatch:
            raise
        except Exception as error:  # noqa: BLE001  # raised again unless one message explains it
            quarantine.examine(split(messages)[0], error)
