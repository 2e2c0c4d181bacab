"""The simulated world: a clock that only its owner moves, and a log that delivers as it is told.

The log keeps every message and its order within a partition, as a real one does. What it may do
besides: show a message late, read the partitions in any order and portions, give a partition to
another worker while its owner still holds messages, put a reader back, and fail an append before,
within or after it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from services.identity.adapters.log_rules import partition_of
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import (
    Message,
    OutgoingMessage,
    Partition,
    Position,
    StartingOffsets,
    TopicSettings,
)
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import TOPIC

Step = Callable[[str], None]
START = 1_800_000_000_000_000
NOT_ACKNOWLEDGED = 4  # one append in so many that fail has reached the log, wholly or in part


class SimulatedClock:
    """Moves when told to. Every worker's own clock is off by its skew."""

    def __init__(self) -> None:
        self.instant = START

    def of(self, *, skew: int) -> "SkewedClock":
        return SkewedClock(self, skew)


class SkewedClock:
    def __init__(self, clock: SimulatedClock, skew: int) -> None:
        self._clock = clock
        self._skew = skew

    def now(self) -> Micros:
        return Micros(self._clock.instant + self._skew)


class SimulatedLog:
    """What all workers share: messages, how far they show, and whose partition is whose."""

    def __init__(
        self, chance: Random, clock: SimulatedClock, partitions: int, *, of_commands: int = 0
    ) -> None:
        self.chance = chance
        self.clock = clock
        self.messages: dict[Partition, list[Message]] = {
            **{Partition(TOPIC, index): [] for index in range(partitions)},
            **{Partition(IDENTITY_COMMANDS, index): [] for index in range(of_commands)},
        }
        self._partitions = {TOPIC: partitions, IDENTITY_COMMANDS: of_commands}
        self.shown: dict[Partition, int] = dict.fromkeys(self.messages, 0)
        self.owners: dict[Partition, SimulatedConsumer | None] = dict.fromkeys(self.messages)
        self.told: list[OutgoingMessage] = []  # what was appended to all other topics, in order
        self.settled: Counter[OutgoingMessage] = Counter()  # appended, and the relay committed

    def append(self, message: OutgoingMessage) -> Position:
        if message.topic not in self._partitions:
            self.told.append(message)
            return Position(Partition(message.topic, 0), len(self.told))
        index = partition_of(message.key or b"", self._partitions[message.topic])
        partition = Partition(message.topic, index)
        found = self.messages[partition]
        found.append(
            Message(
                partition=partition,
                offset=len(found),
                appended_at=Micros(self.clock.instant),
                key=message.key,
                value=message.value,
            )
        )
        return Position(partition, len(found))

    def show(self, partition: Partition) -> None:
        """Some of what was appended, at least one message, can be read from now on."""
        hidden = len(self.messages[partition]) - self.shown[partition]
        if hidden:
            self.shown[partition] += self.chance.randint(1, hidden)

    def show_all(self) -> None:
        self.shown = {partition: len(found) for partition, found in self.messages.items()}

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        return {each: len(found) for each, found in self.messages.items() if each.topic == topic}


class LogOfOne:
    """The log as one worker has it: every touch of it is a step."""

    def __init__(self, log: SimulatedLog, step: Step) -> None:
        self.name = "simulated"
        self._log = log
        self._step = step
        self.consumers: list[SimulatedConsumer] = []
        self._sent: list[OutgoingMessage] = []  # in the transaction that is open

    def begun(self) -> None:
        self._sent.clear()

    def committed(self) -> None:
        """Nothing that this transaction sent may be sent again."""
        self._log.settled.update(self._sent)

    def ensure_topics(self, topics: Sequence[TopicSettings]) -> None:
        """They are there."""

    def topic_faults(self, topics: Sequence[TopicSettings]) -> Sequence[str]:
        del topics
        return ()

    def producer(self) -> "SimulatedProducer":
        return SimulatedProducer(self._log, self._step, self._sent)

    def consumer(
        self, *, topics: Sequence[str], group: str | None, start: StartingOffsets
    ) -> "SimulatedConsumer":
        del topics, group  # there is one of each
        self.consumers.append(SimulatedConsumer(self._log, self._step, start))
        return self.consumers[-1]

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        return self._log.end_offsets(topic)

    def close(self) -> None:
        """Nothing to let go of."""


class SimulatedProducer:
    def __init__(self, log: SimulatedLog, step: Step, sent: list[OutgoingMessage]) -> None:
        self._log = log
        self._step = step
        self._sent = sent

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        """When it fails, none, some or all were appended: nobody was told."""
        try:
            self._step("append")
        except RetryableError:
            if self._log.chance.randrange(NOT_ACKNOWLEDGED) == 0:
                some = self._log.chance.randint(0, len(messages))
                for message in messages[:some]:
                    self._log.append(message)
            raise
        positions = [self._log.append(message) for message in messages]
        self._sent.extend(messages)
        self._step("appended")
        return positions

    def close(self) -> None:
        """Nothing is buffered."""


class SimulatedConsumer:
    """A member of the group. It learns only at its next poll what it was given or lost."""

    def __init__(self, log: SimulatedLog, step: Step, start: StartingOffsets) -> None:
        self._log = log
        self._step = step
        self._start = start
        self._next: dict[Partition, int] = {}
        self.holds: frozenset[Partition] = frozenset()  # polled, and not landed yet

    def poll(self, *, records_max: int, timeout_ms: int) -> Sequence[Message]:
        del timeout_ms  # simulated time does not pass by itself
        self._step("poll")
        self._share()
        found = self._read(records_max)
        self.holds = frozenset(message.partition for message in found)
        if found:
            self._step("polled")
        return found

    def _share(self) -> None:
        owned = {each for each, owner in self._log.owners.items() if owner is self}
        for lost in self._next.keys() - owned:
            del self._next[lost]
        new = frozenset(owned - self._next.keys())
        if not new:
            return
        starts = self._start(new)
        for partition in sorted(new):
            self._next[partition] = starts.get(partition, 0)

    def _read(self, records_max: int) -> list[Message]:
        """A portion of some partitions, mixed: only within a partition does order hold."""
        portions: list[list[Message]] = []
        left = records_max
        for partition in self._log.chance.sample(sorted(self._next), len(self._next)):
            first = self._next[partition]
            waiting = max(self._log.shown[partition] - first, 0)
            count = self._log.chance.randint(min(waiting, left, 1), min(waiting, left))
            if count:
                portions.append(self._log.messages[partition][first : first + count])
                self._next[partition] = first + count
                left -= count
        found: list[Message] = []
        while portions := [portion for portion in portions if portion]:
            found.append(self._log.chance.choice(portions).pop(0))
        return found

    def put_back(self, partition: Partition, by: int) -> bool:
        """As an offset does that was read just before another worker moved it. Whether it moved."""
        before = self._next.get(partition, 0)
        if not before:
            return False
        self._next[partition] = max(before - by, 0)
        return True

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._next)

    def positions(self) -> Mapping[Partition, int]:
        return dict(self._next)

    def seek(self, position: Position) -> None:
        if position.partition not in self._next:
            raise ValueError("only an assigned partition has a position")
        self._next[position.partition] = position.next_offset

    def end_offsets(self) -> Mapping[Partition, int]:
        return {partition: len(self._log.messages[partition]) for partition in self._next}

    def close(self) -> None:
        """The group notices later."""
