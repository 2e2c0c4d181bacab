"""Letters read from the dead-letter topic of any log: all as they stand, or some with bytes."""

from collections.abc import Callable, Collection, Iterator, Mapping

from services.identity.domain.errors import RetryableError
from services.identity.ports import EventLog, Message, Partition
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.identity.wire.letter_book import LetterBook, Place

ENTRIES_READ_MAX = 200_000  # the newest of each partition; older ones are told of by their number
MESSAGES_PER_POLL_MAX = 500
POLL_MS = 5_000

Progress = Callable[[int], None]


def read_book(
    log: EventLog, *, group: str, progress: Progress | None = None
) -> tuple[LetterBook, int]:
    """All letters, and how many entries are older than those that were looked at.

    `group` is the reader's own: who shares one reads a part only.
    """
    ends = log.end_offsets(DEAD_LETTER_TOPIC)
    starts = {partition: max(0, end - ENTRIES_READ_MAX) for partition, end in ends.items()}
    book = LetterBook()
    for message in _read(log, group=group, starts=starts, ends=ends):
        book.add(message)
        if progress is not None:
            progress(1)
    return book, sum(starts.values())


def read_entries(log: EventLog, places: Collection[Place], *, group: str) -> Iterator[Message]:
    """The entries at these places, with their bytes, in the order of the topic."""
    wanted = frozenset(places)
    starts: dict[Partition, int] = {}
    ends: dict[Partition, int] = {}
    for place in sorted(wanted):
        partition = Partition(DEAD_LETTER_TOPIC, place.partition)
        starts.setdefault(partition, place.offset)
        ends[partition] = place.offset + 1
    for message in _read(log, group=group, starts=starts, ends=ends):
        if Place(message.partition.index, message.offset) in wanted:
            yield message


def _read(
    log: EventLog,
    *,
    group: str,
    starts: Mapping[Partition, int],
    ends: Mapping[Partition, int],
) -> Iterator[Message]:
    """From each start to before its end. Raises RetryableError when the log stops answering."""
    left = {partition for partition, end in ends.items() if starts.get(partition, 0) < end}
    if not left:
        return

    def start(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        return {each: starts.get(each, 0) for each in partitions}

    consumer = log.consumer(topics=[DEAD_LETTER_TOPIC], group=group, start=start)
    try:
        while left:
            messages = consumer.poll(records_max=MESSAGES_PER_POLL_MAX, timeout_ms=POLL_MS)
            if not messages:
                raise RetryableError("the dead letters could not be read to their end; try again")
            for message in messages:
                if message.offset < ends.get(message.partition, 0):
                    yield message
                if message.offset + 1 >= ends.get(message.partition, 0):
                    left.discard(message.partition)
    finally:
        consumer.close()
