"""What the suites of an EventLog share: a topic, members that are closed, ways to read and wait."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count

import pytest

from services.identity.ports import (
    Consumer,
    EventLog,
    Message,
    OutgoingMessage,
    Partition,
    Position,
    StartingOffsets,
    TopicSettings,
)

PARTITIONS = 3
STALL_MS_MAX = 1_500  # after which a member of an impatient log has stalled
WAIT_SECONDS_MAX = 30  # only reached when something is broken
_names = count(1)

Join = Callable[..., Consumer]
Append = Callable[..., Sequence[Position]]


def from_the_beginning(_: frozenset[Partition]) -> Mapping[Partition, int]:
    return {}


def outgoing(topic: str, key: str, value: str) -> OutgoingMessage:
    return OutgoingMessage(topic=topic, key=key.encode(), value=value.encode())


def read(consumer: Consumer, number: int) -> list[Message]:
    """Exactly this many messages: then one more look, which must find nothing."""
    found: list[Message] = []
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while len(found) < number and time.monotonic() < give_up_at:
        found.extend(consumer.poll(records_max=500, timeout_ms=100))
    found.extend(consumer.poll(records_max=500, timeout_ms=20))
    assert len(found) == number
    return found


def until(consumers: Sequence[Consumer], done: Callable[[], bool]) -> None:
    """Let every member poll in turn until `done`; meanwhile no partition has two owners."""
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while not done():
        assert time.monotonic() < give_up_at, [sorted(each.assignment()) for each in consumers]
        for consumer in consumers:
            assert not consumer.poll(records_max=100, timeout_ms=50)
        owned = [partition for each in consumers for partition in each.assignment()]
        assert len(owned) == len(set(owned))


def by_partition(messages: Sequence[Message]) -> dict[Partition, list[Message]]:
    found: dict[Partition, list[Message]] = defaultdict(list)
    for message in messages:
        found[message.partition].append(message)
    return found


class LogFixtures:
    """Subclasses give the fixtures `log` and `impatient_log`, two doors to one log."""

    @pytest.fixture
    def topic(self, log: EventLog) -> str:
        name = f"contract-{next(_names)}"
        log.ensure_topics((TopicSettings(name=name, partitions=PARTITIONS),))
        return name

    @pytest.fixture
    def join(self, log: EventLog, topic: str) -> Iterator[Join]:
        """Members of a group that are closed when the test ends."""
        opened: list[Consumer] = []

        def joined(
            group: str | None = "readers", start: StartingOffsets = from_the_beginning
        ) -> Consumer:
            name = None if group is None else f"{topic}-{group}"
            consumer = log.consumer(topics=[topic], group=name, start=start)
            opened.append(consumer)
            return consumer

        yield joined
        for consumer in opened:
            consumer.close()

    @pytest.fixture
    def append(self, log: EventLog) -> Iterator[Append]:
        producer = log.producer()
        yield lambda *messages: producer.append(messages)
        producer.close()
