"""What identity asks of the outside, in its own words; each port has a suite and a fake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros


class Clock(Protocol):
    """The only way to learn what time it is."""

    def now(self) -> Micros: ...


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    topic: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message to append. Messages with equal keys keep their order."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as read: where it stands, when it was appended, what it says."""

    partition: Partition
    offset: int
    appended_at: Micros
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The first offset not yet done: what is committed, and what `as_of` tokens speak of."""

    partition: Partition
    next_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Messages that were removed before they were read: from `first` on, up to `kept`.

    `kept` is the first that the log still holds; its end, where it holds none.
    """

    partition: Partition
    first: int
    kept: int

    def __str__(self) -> str:
        return f"{self.partition.topic}/{self.partition.index}/{self.first} to {self.kept - 1}"


class MessagesLostError(UsageError):
    """The next messages to read are no longer in the log. Who can do without seeks to `kept`."""

    def __init__(self, losses: Sequence[Loss]) -> None:
        named = ", ".join(map(str, losses))
        super().__init__(f"the log no longer holds {named}: its retention removed them")
        self.losses = tuple(losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """How a topic is created: never by the broker's defaults."""

    name: str
    partitions: int
    retention_ms: int | None = None  # None: for ever
    compacted: bool = False
    message_bytes_max: int = 1_048_576
    replication_factor: int = 3  # a log with fewer brokers keeps as many copies as it has brokers


class Producer(Protocol):
    """Appends durably: when `append` returns, every message is there, in order per key.

    Raises RetryableError when the log cannot be reached; then none or some were appended, and
    sending again is safe because consumers drop repeats by message id.
    """

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]: ...
    def close(self) -> None: ...


StartingOffsets = Callable[[frozenset[Partition]], Mapping[Partition, int]]
"""Given newly assigned partitions, the next offset of each, as the database has it.

One that is not among the answers is read from the first message on that the log still holds.
"""


class Consumer(Protocol):
    """One member of a consumer group. Offsets live in the database, never with the broker."""

    def poll(self, *, records_max: int, timeout_ms: int) -> Sequence[Message]:
        """Messages in offset order per partition; empty when the timeout passes first.

        Raises MessagesLostError when the log no longer holds the next ones, at every call until
        the caller has sought past them.
        """
        ...

    def assignment(self) -> frozenset[Partition]: ...
    def positions(self) -> Mapping[Partition, int]:
        """The next offset to read of each assigned partition: behind what was polled.

        And behind offsets that never were messages: Kafka gives some to the markers of
        transactions, and compaction leaves some out. Whoever waits for an end waits for these.
        """
        ...

    def seek(self, position: Position) -> None: ...
    def end_offsets(self) -> Mapping[Partition, int]:
        """The next offset that will be written, for each assigned partition."""
        ...

    def close(self) -> None: ...


class EventLog(Protocol):
    """A durable, partitioned, replayable log. Kafka, the embedded table and the memory fake."""

    name: str  # "kafka", "embedded" or "memory": the demo says which one it used

    def ensure_topics(self, topics: Sequence[TopicSettings]) -> None:
        """Create what is missing and grow what is smaller; raises UsageError for what is larger."""
        ...

    def topic_faults(self, topics: Sequence[TopicSettings]) -> Sequence[str]:
        """One line for each topic that is missing and each setting that is not as given."""
        ...

    def producer(self) -> Producer: ...
    def consumer(
        self, *, topics: Sequence[str], group: str | None, start: StartingOffsets
    ) -> Consumer:
        """Join `group`; partitions are shared among its members, one member each.

        Without a group it reads every partition, whoever else reads.
        """
        ...

    def end_offsets(self, topic: str) -> Mapping[Partition, int]:
        """The next offset that will be written, for every partition of a topic."""
        ...

    def close(self) -> None: ...
