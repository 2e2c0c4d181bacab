"""How far a worker is: what it has in hand, what it has not landed, what waits and since when."""

from collections.abc import Mapping, Sequence

from services.identity.domain.ids import Micros
from services.identity.ports import Message, Partition
from services.identity.store import ResolverStore
from services.resolver.observe import Lag


def lag_of(
    store: ResolverStore,
    group: str,
    ends: Mapping[Partition, int],
    *,
    landed_at: Micros | None,
    at: Micros,
) -> Lag:
    """Of the partitions that have these ends. `landed_at`: append time of the last one landed."""
    with store.transaction() as tx:
        offsets = tx.next_offsets(group)
        oldest = tx.oldest_mark()
    unread = sum(max(0, end - offsets.get((p.topic, p.index), 0)) for p, end in ends.items())
    since = [each for each in (oldest, landed_at if unread else None) if each is not None]
    late = max(0, at - min(since)) if since else 0
    return Lag(events=unread, seconds=late / 1e6, dirty_rows=store.pending_work())


def extents(messages: Sequence[Message]) -> dict[Partition, tuple[int, int]]:
    """First and last offset of what was polled, per partition."""
    result: dict[Partition, tuple[int, int]] = {}
    for message in messages:
        first, _ = result.get(message.partition, (message.offset, 0))
        result[message.partition] = (first, message.offset)
    return result
