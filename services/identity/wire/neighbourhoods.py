"""Some records drawn from a file with all that look like them, as ingest hands them to training."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.identity.domain.errors import RejectReason
from services.identity.domain.ids import RecordKey
from services.identity.wire.events import ChannelEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhoods:
    """Some of the seeds; `links` are (seed, neighbour), `events` the rows of both in file order."""

    seeds: Sequence[RecordKey]
    links: Sequence[tuple[RecordKey, RecordKey]]
    events: Sequence[ChannelEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfFile:
    """What training reads of a file: all its rows, or of a large one neighbourhoods.

    `rows` is how many it has, `records` of how many records these are, about. `skipped` counts the
    lines and rows that cannot be used, and of neighbourhoods the drawn ones; it is whole once
    all was read. One of `events` and `drawn` is None; each is read once.
    """

    rows: int
    records: int
    skipped: Counter[RejectReason]
    events: Iterable[ChannelEvent] | None = None
    drawn: Iterable[Neighbourhoods] | None = None
