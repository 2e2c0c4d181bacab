"""What every log does alike: a key's partition, a member's share, the size of a message."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from services.identity.domain.errors import RejectedError, RejectReason, UsageError
from services.identity.ports import OutgoingMessage, Partition, TopicSettings


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


def refuse_to_shrink(settings: TopicSettings, *, partitions_now: int) -> None:
    """Fewer partitions would lose messages, so that is never done."""
    if settings.partitions < partitions_now:
        raise UsageError(
            f"topic {settings.name} has {partitions_now} partitions; it cannot shrink"
            f" to {settings.partitions}: make a new topic and replay into it"
        )


def unknown_topics(missing: Sequence[str]) -> UsageError:
    return UsageError(f"no such topic: {', '.join(missing)}; create it with ensure_topics first")
