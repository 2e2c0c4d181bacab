"""A dead letter read once more: its events, should they be acceptable by now."""

import re

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros
from services.identity.domain.source import Source
from services.identity.wire.dead_letter import DeadLetter
from services.identity.wire.events import ChannelEvent
from services.ingest.accept import Arrival
from services.ingest.file_rows import row_reader
from services.ingest.formats.decode import decode_object
from services.ingest.formats.limits import Limits
from services.ingest.routes.events import formats
from services.ingest.times import EPOCH, MICROSECOND

_INDEX = re.compile(r"\[\d+\]$")


def read_again(letter: DeadLetter, *, source: Source, limits: Limits) -> list[ChannelEvent]:
    """The messages to append, as if they had been accepted when they arrived.

    Raises RejectedError when it would be refused again, or is a line that only its file explains.
    """
    arrived = Micros((letter.at - EPOCH) // MICROSECOND)
    if letter.origin == "file":
        return [_row(letter, source, arrived)]
    position = letter.position or ""
    path = _INDEX.sub("", position)
    format_ = formats(limits).get(path)
    if letter.origin != "ingest" or format_ is None:
        raise RejectedError(RejectReason.UNKNOWN_TYPE, "it was not refused by ingest")
    arrival = Arrival(source=source, received_at=arrived)
    raw = letter.original()
    if path != position:
        return [format_.accept(raw, arrival)]
    parts = format_.split(raw)
    if parts.shared is not None:
        shared = parts.shared
        arrival = Arrival(
            source=source, received_at=arrived, sent_at=shared.sent_at, context=shared.context
        )
    return [format_.accept(each, arrival) for each in parts.events]


def _row(letter: DeadLetter, source: Source, arrived: Micros) -> ChannelEvent:
    """Rows that were read are kept as JSON; of lines that were not, the header is missing."""
    mapping = source.mapping
    if mapping is None or mapping.key is None:
        raise RejectedError(RejectReason.UNKNOWN_SOURCE, "the source has no mapping any more")
    try:
        values = decode_object(letter.original())
    except RejectedError:
        raise RejectedError(
            letter.reason, "the line cannot be read by itself; mend the file and load it again"
        ) from None
    reader = row_reader(source.name, mapping, key=mapping.key, at=arrived, received_at=arrived)
    return reader.read({name: None if v is None else str(v) for name, v in values.items()})
