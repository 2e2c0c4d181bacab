"""A row of a file becomes a message of channel-events, or is refused."""

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import EventType
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of
from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import Mapping
from services.identity.domain.source import KEY_ORDER
from services.identity.wire.events import ChannelEvent, EventData, RecordRef
from services.ingest.accept import MESSAGE_TYPES
from services.ingest.formats.limits import check_id
from services.ingest.times import occurred_at

RECORD_ID = "record_id"
ROW_BYTES_MAX = 256 * 1024  # more is a document, not a row; the log takes 1 MiB a message

Values = dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """One source's rows under its mapping; `at` is the time of rows that have none."""

    source: str
    key: str
    key_kind: str
    time: str | None
    event_name: str | None
    at: Micros
    received_at: Micros

    def read(self, values: Values) -> ChannelEvent:
        """Raises RejectedError. Empty cells say nothing: they clear no field.

        The message id comes from source, key and content; for an undated row the load's instant
        comes after it, so that of two contents of one key and instant neither arrival decides.
        """
        traits = {name: value for name, value in values.items() if value is not None}
        key = self._key(traits)
        content = msgspec.json.encode(traits, order="sorted")
        if len(content) > ROW_BYTES_MAX:
            raise RejectedError(
                RejectReason.TOO_LARGE, f"a row may have {ROW_BYTES_MAX} bytes as JSON"
            )
        message_id = blake2b(
            b"\x1f".join((self.source.encode(), key.encode(), content)), digest_size=16
        ).hexdigest()
        time = None if self.time is None else traits.get(self.time)
        if time is None:
            message_id = f"{message_id}:{self.at}"
            happened = self.at
        else:
            happened = occurred_at(received_at=self.received_at, original=time, sent_at=None)
        name = None if self.event_name is None else traits.get(self.event_name)
        return ChannelEvent(
            id=message_id,
            source=self.source,
            type=MESSAGE_TYPES[EventType.IDENTIFY if name is None else EventType.TRACK],
            time=instant_of(happened),
            data=EventData(
                record=RecordRef(kind=self.key_kind, key=key),
                received_at=instant_of(self.received_at),
                dated=time is not None,
                event=name,
                traits=traits,
            ),
        )

    def _key(self, traits: dict[str, str]) -> str:
        key = traits.get(self.key, "").strip()
        if not key:
            raise RejectedError(
                RejectReason.NO_IDENTIFIER, f"the row has no {self.key!r}, which is its key"
            )
        return check_id(f"the key {self.key!r}", key)


def row_reader(
    source: str, mapping: Mapping, *, key: str, at: Micros, received_at: Micros
) -> RowReader:
    """The key is called `record_id`, unless its column is an identifier that keys live events."""
    column = mapping.columns.get(key)
    kind = None if column is None else column.identifier_type
    names = [each.name for each in mapping.columns.values() if each.kind is Kind.EVENT_NAME]
    return RowReader(
        source=source,
        key=key,
        key_kind=kind if kind in KEY_ORDER else RECORD_ID,
        time=mapping.time,
        event_name=names[0] if names else None,
        at=at,
        received_at=received_at,
    )
