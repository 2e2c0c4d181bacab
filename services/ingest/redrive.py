"""Dead letters tried once more: what each becomes now, sent as if it had never been refused."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of, micros_of
from services.identity.domain.source import Source
from services.identity.ports import Clock, Message, OutgoingMessage, Producer
from services.identity.wire.dead_letter import (
    LAND,
    DeadLetter,
    body_of,
    decode,
    encode,
    retry_header,
    sender_of,
    stage_of,
)
from services.identity.wire.events import (
    DEAD_LETTER_TOPIC,
    TOPIC,
    ChannelEvent,
    record_key_bytes,
)
from services.identity.wire.events import encode as encode_event
from services.ingest.accept import Arrival
from services.ingest.file_rows import row_reader
from services.ingest.formats.decode import decode_object
from services.ingest.formats.limits import Limits
from services.ingest.routes.events import formats

LETTERS_PER_APPEND_MAX = 500
BYTES_PER_APPEND_MAX = 8 * 1024 * 1024

_INDEX = re.compile(r"\[\d+\]$")
Progress = Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class Redriven:
    """`sent` letters became `events`; the others were refused once more, by reason."""

    sent: int = 0
    events: int = 0
    refused: Counter[RejectReason] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One letter: the events that it became, and the parts of it that were refused once more."""

    letter: DeadLetter
    key: bytes | None
    is_sent: bool = False
    events: Sequence[OutgoingMessage] = ()
    refused: Sequence[tuple[DeadLetter, RejectedError]] = ()

    def entries(self, at: Micros) -> list[OutgoingMessage]:
        """What its topic is told of this try."""
        told = [sent_again(self.letter, at=at)] if self.is_sent else []
        told.extend(failed_again(part, why, at=at) for part, why in self.refused)
        return [
            OutgoingMessage(topic=DEAD_LETTER_TOPIC, key=self.key, value=encode(each))
            for each in told
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriver:
    """Tries letters again under today's sources and limits. Without a producer nothing is sent.

    First the events go out, then the note that they did: whoever dies in between sends them twice,
    and landing drops the copies.
    """

    sources: Mapping[str, Source]
    limits: Limits
    clock: Clock
    producer: Producer | None

    def redrive(self, messages: Iterable[Message], *, progress: Progress) -> Redriven:
        """`messages` of the dead-letter topic, each the latest try of an open letter."""
        done = Redriven()
        batch: list[_Tried] = []
        size = 0
        for message in messages:
            batch.append(self._tried(decode(message.value or b""), message.key))
            size += len(message.value or b"")
            if len(batch) == LETTERS_PER_APPEND_MAX or size >= BYTES_PER_APPEND_MAX:
                self._send(batch, done)
                progress(len(batch))
                batch, size = [], 0
        self._send(batch, done)
        progress(len(batch))
        return done

    def _tried(self, letter: DeadLetter, key: bytes | None) -> "_Tried":
        try:
            events, refused = self.try_again(letter, key=key)
        except RejectedError as error:
            return _Tried(letter=letter, key=key, refused=[(letter, error)])
        return _Tried(letter=letter, key=key, is_sent=True, events=events, refused=refused)

    def _send(self, batch: Sequence["_Tried"], done: Redriven) -> None:
        """Where the log itself refuses an event, the letters of the batch go one by one."""
        if self.producer is not None and batch:
            try:
                self._append([event for each in batch for event in each.events])
            except RejectedError:
                batch = [self._alone(each) for each in batch]
            at = self.clock.now()
            self._append([entry for each in batch for entry in each.entries(at)])
        for each in batch:
            done.sent += bool(each.events)
            done.events += len(each.events)
            done.refused.update(why.reason for _, why in each.refused)

    def _alone(self, tried: "_Tried") -> "_Tried":
        try:
            self._append(tried.events)
        except RejectedError as error:
            return _Tried(letter=tried.letter, key=tried.key, refused=[(tried.letter, error)])
        return tried

    def _append(self, messages: Sequence[OutgoingMessage]) -> None:
        if self.producer is not None and messages:
            self.producer.append(messages)

    def try_again(
        self, letter: DeadLetter, *, key: bytes | None
    ) -> tuple[list[OutgoingMessage], list[tuple[DeadLetter, RejectedError]]]:
        """What is appended in place of a letter, and the parts of it that are refused once more.

        Raises RejectedError when all of it is.
        """
        source = None if letter.source is None else self.sources.get(letter.source)
        if source is None and (letter.source is not None or letter.origin != LAND):
            raise RejectedError(
                RejectReason.UNKNOWN_SOURCE, "no source of this name; add it with `plait source`"
            )
        if source is None or letter.origin == LAND:
            headers = (*letter.original_headers(), retry_header(letter))
            body = letter.original()
            return [OutgoingMessage(topic=TOPIC, key=key, value=body, headers=headers)], []
        events: list[OutgoingMessage] = []
        refused: list[tuple[DeadLetter, RejectedError]] = []
        parts = parts_of(letter, limits=self.limits)
        for part in parts:
            try:
                event = read_again(part, source=source, limits=self.limits)
            except RejectedError as error:
                if part is letter:
                    raise
                refused.append((part, error))
                continue
            record_key = record_key_bytes(event.source, event.data.record)
            headers = (retry_header(part),)
            value = encode_event(event)
            events.append(
                OutgoingMessage(topic=TOPIC, key=record_key, value=value, headers=headers)
            )
        return events, refused


def failed_again(letter: DeadLetter, error: RejectedError, *, at: Micros) -> DeadLetter:
    """One try more; when it began stays."""
    return replace(
        letter,
        id=letter.letter_id,
        reason=error.reason,
        detail=error.detail,
        stage=stage_of(error),
        first_at=letter.first,
        at=instant_of(at),
        tries=letter.tries + 1,
    )


def sent_again(letter: DeadLetter, *, at: Micros) -> DeadLetter:
    """The note that this try is done with."""
    return replace(
        letter,
        id=letter.letter_id,
        first_at=letter.first,
        at=instant_of(at),
        body="",
        headers=[],
        context={},
        redriven=True,
    )


def parts_of(letter: DeadLetter, *, limits: Limits) -> list[DeadLetter]:
    """The events of a request that was refused whole, as letters of their own; else the letter.

    Each may fail by itself from now on. Raises RejectedError when it cannot be taken apart.
    """
    format_ = formats(limits).get(letter.position or "")
    if letter.origin != "ingest" or format_ is None:
        return [letter]
    split = format_.split(letter.original())
    if split.shared is None:
        return [letter]
    shared = split.shared
    return [
        replace(
            letter,
            id=f"{letter.letter_id}.{index}",
            position=f"{letter.position}[{index}]",
            body=body_of(bytes(raw)),
            message_id=sender_of(bytes(raw))[1],
            sent_at=shared.sent_at or letter.sent_at,
            context=dict(shared.context or {}),
            first_at=letter.first,
        )
        for index, raw in enumerate(split.events)
    ]


def read_again(letter: DeadLetter, *, source: Source, limits: Limits) -> ChannelEvent:
    """The message to append, as if it had been accepted when it arrived.

    Raises RejectedError when it would be refused again, or is a line that only its file explains.
    """
    arrived = micros_of(letter.first)
    if letter.origin == "file":
        return _row(letter, source, arrived)
    format_ = formats(limits).get(_INDEX.sub("", letter.position or ""))
    if letter.origin != "ingest" or format_ is None:
        raise RejectedError(RejectReason.UNKNOWN_TYPE, "it was not refused by ingest")
    arrival = Arrival(
        source=source, received_at=arrived, sent_at=letter.sent_at, context=letter.context
    )
    return format_.accept(letter.original(), arrival)


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
    at = arrived if letter.load_at is None else micros_of(letter.load_at)
    reader = row_reader(source.name, mapping, key=mapping.key, at=at, received_at=arrived)
    return reader.read({name: None if v is None else str(v) for name, v in values.items()})
