"""What every log does alike: a key's partition, a member's share, a topic that never shrinks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from services.identity.domain.errors import (
    RejectedError,
    RejectReason,
    RetryableError,
    UsageError,
)
from services.identity.ports import OutgoingMessage, Partition, TopicSettings

STALL_MS_MAX = 300_000  # a member that does not poll for so long loses its partitions


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of every message with this key. It must never change: order rests on it."""
    digest = hashlib.blake2b(key, digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


def fair_share(partitions: Iterable[Partition], *, rank: int, members: int) -> frozenset[Partition]:
    """The partitions of the member with this rank; the shares are disjoint and cover them all."""
    ordered = sorted(partitions)
    return frozenset(ordered[rank::members]) if members > 0 else frozenset()


def shares(available: Mapping[Partition, int], *, records_max: int) -> dict[Partition, int]:
    """How many messages to read from each partition: evenly, and what one leaves goes to others."""
    waiting = [(count, partition) for partition, count in available.items() if count > 0]
    waiting = sorted(waiting)[-records_max:]  # with too few for all, the longest queues come first
    left = records_max
    taken: dict[Partition, int] = {}
    for position, (count, partition) in enumerate(waiting):
        taken[partition] = min(count, left // (len(waiting) - position))
        left -= taken[partition]
    return taken


def refuse_too_large(message: OutgoingMessage, bytes_max: int) -> None:
    size = len(message.value or b"")
    if size > bytes_max:
        detail = f"{size} bytes; {message.topic} takes at most {bytes_max}"
        raise RejectedError(RejectReason.TOO_LARGE, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting of a topic that is not as declared.

    `shrinks`: to set it as declared would lose messages or refuse what was taken before.
    """

    topic: str
    setting: str
    found: str
    declared: str
    shrinks: bool

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting} is {self.found}, declared is {self.declared}"


def differences(declared: TopicSettings, found: TopicSettings) -> tuple[Difference, ...]:
    """What a topic has otherwise than declared. More replicas than declared are no difference."""
    pairs: tuple[tuple[str, int | None, int | None, bool], ...] = (
        (
            "partitions",
            found.partitions,
            declared.partitions,
            declared.partitions < found.partitions,
        ),
        (
            "retention_ms",
            found.retention_ms,
            declared.retention_ms,
            _retention(declared) < _retention(found),
        ),
        (
            "compacted",
            found.compacted,
            declared.compacted,
            declared.compacted,  # compaction removes messages, whatever the retention
        ),
        (
            "message_bytes_max",
            found.message_bytes_max,
            declared.message_bytes_max,
            declared.message_bytes_max < found.message_bytes_max,
        ),
        (
            "replication_factor",
            min(found.replication_factor, declared.replication_factor),
            declared.replication_factor,
            False,
        ),
    )
    return tuple(
        Difference(
            topic=declared.name,
            setting=name,
            found=_word(is_now),
            declared=_word(should_be),
            shrinks=shrinks,
        )
        for name, is_now, should_be, shrinks in pairs
        if is_now != should_be
    )


def refuse_to_shrink(declared: TopicSettings, found: TopicSettings) -> None:
    """What would lose messages, or refuse what was taken before, is never done by a start."""
    shrinking = [each for each in differences(declared, found) if each.shrinks]
    if shrinking:
        named = "; ".join(map(str, shrinking))
        raise UsageError(
            f"{named}. A topic cannot shrink: declare what is there, or make a new topic and"
            " replay into it"
        )


def faults(
    declared: Sequence[TopicSettings], found: Mapping[str, TopicSettings]
) -> tuple[str, ...]:
    """One line for each topic that is missing and each setting that is not as declared."""
    lines: list[str] = []
    for topic in declared:
        if topic.name in found:
            lines.extend(map(str, differences(topic, found[topic.name])))
        else:
            lines.append(f"topic {topic.name} does not exist")
    return tuple(lines)


def _retention(settings: TopicSettings) -> float:
    return inf if settings.retention_ms is None else settings.retention_ms


def _word(value: int | bool | None) -> str:  # noqa: FBT001  # shown, not decided by
    return "unlimited" if value is None else str(value)


def unknown_topics(missing: Sequence[str]) -> RetryableError:
    """Worth another try: a broker that just started, or leads anew, may not know them yet."""
    return RetryableError(f"no such topic now: {', '.join(missing)}; a start of plait makes it")
