"""Dead letters read from their topic."""

from collections.abc import Mapping
from typing import Any

from services.cli.home import Home
from services.identity.ports import Partition
from services.identity.wire import dead_letter
from services.identity.wire.events import DEAD_LETTER_TOPIC


def read_letters(home: Home, *, letters_max: int) -> list[dict[str, Any]]:
    """The newest of every partition, without the original bytes: those may name people."""
    log = home.log()
    ends = log.end_offsets(DEAD_LETTER_TOPIC)

    def start(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        return {p: max(0, ends.get(p, 0) - letters_max) for p in partitions}

    consumer = log.consumer(topics=[DEAD_LETTER_TOPIC], group="dlq-list", start=start)
    letters: list[dict[str, Any]] = []
    try:
        wanted = sum(min(end, letters_max) for end in ends.values())
        while len(letters) < wanted:
            messages = consumer.poll(records_max=1_000, timeout_ms=5_000)
            if not messages:
                break
            for message in messages:
                letter = dead_letter.decode(message.value or b"{}")
                letters.append(
                    {
                        "partition": message.partition.index,
                        "offset": message.offset,
                        "at": letter.at.isoformat(),
                        "reason": letter.reason.value,
                        "detail": letter.detail,
                        "origin": letter.origin,
                        "source": letter.source,
                        "position": letter.position,
                        "bytes": len(letter.original()),
                    }
                )
    finally:
        consumer.close()
        log.close()
    return sorted(letters, key=lambda each: each["at"])[-letters_max:]
