"""Events that stand in the log and were not landed yet, looked for by their message id."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.identity.ports import (
    Consumer,
    EventLog,
    Message,
    MessagesLostError,
    Partition,
    Position,
)
from services.identity.wire.events import TOPIC, ChannelEvent, decode

MESSAGES_MAX = 200_000  # looked through; a longer backlog is told of by its number
POLL_MESSAGES_MAX = 2_000
POLL_MS = 500
SILENCE_SECONDS_MAX = 10.0  # of a log that holds more and gives nothing

Offsets = Mapping[tuple[str, int], int]
"""By topic and partition: the first message not landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that waits. `before`: how many in its partition are landed first."""

    source: str
    type: str
    received_at: datetime
    partition: Partition
    offset: int
    before: int

    def members(self) -> dict[str, object]:
        return {
            "source": self.source,
            "type": self.type,
            "received_at": self.received_at,
            "log": {
                "topic": self.partition.topic,
                "partition": self.partition.index,
                "offset": self.offset,
            },
            "events_before_it": self.before,
        }


def find_waiting(
    log: EventLog, offsets: Offsets, *, message_id: str, source: str | None
) -> tuple[list[Waiting], int]:
    """Every copy between these offsets and the log's end; and how many were not looked at."""
    ends = log.end_offsets(TOPIC)
    starts = {each: offsets.get((each.topic, each.index), 0) for each in ends}
    left = sum(max(0, end - starts[each]) for each, end in ends.items())
    if not left:
        return [], 0
    found: list[Waiting] = []
    consumer = log.consumer(topics=[TOPIC], group=None, start=lambda _: starts)
    try:
        for message in _messages(consumer, ends):
            left -= 1
            event = _read(message)
            if event is not None and event.id == message_id and source in {None, event.source}:
                found.append(_waiting(message, event, starts[message.partition]))
        if _reaches(consumer.positions(), ends):
            left = 0
    finally:
        consumer.close()
    return found, max(left, 0)


def _messages(consumer: Consumer, ends: Mapping[Partition, int]) -> Iterator[Message]:
    """Up to the ends, or to the bound."""
    read, heard_at = 0, time.monotonic()
    while read < MESSAGES_MAX and not _reaches(consumer.positions(), ends):
        try:
            messages = consumer.poll(records_max=POLL_MESSAGES_MAX, timeout_ms=POLL_MS)
        except MessagesLostError as error:
            for loss in error.losses:
                consumer.seek(Position(loss.partition, loss.kept))
            continue
        if messages:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE_SECONDS_MAX:
            return
        read += len(messages)
        yield from (each for each in messages if each.offset < ends.get(each.partition, 0))


def _reaches(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> bool:
    return all(positions.get(each, 0) >= end for each, end in ends.items())


def _read(message: Message) -> ChannelEvent | None:
    """None for what landing will refuse."""
    try:
        return decode(message.value or b"")
    except ValueError:
        return None


def _waiting(message: Message, event: ChannelEvent, first: int) -> Waiting:
    return Waiting(
        source=event.source,
        type=event.type,
        received_at=event.data.received_at,
        partition=message.partition,
        offset=message.offset,
        before=message.offset - first,
    )
