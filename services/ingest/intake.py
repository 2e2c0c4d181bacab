"""One request's way: whose it is, its events, an append that lasts, the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.identity.adapters.otel import Headers, carried
from services.identity.domain.errors import RejectedError, RejectReason, RetryableError
from services.identity.domain.source import Source
from services.identity.ports import Clock, OutgoingMessage, Position
from services.identity.wire.as_of import token
from services.identity.wire.events import TOPIC, ChannelEvent, encode, record_key_bytes
from services.ingest import problems
from services.ingest.accept import Arrival
from services.ingest.appender import Appender
from services.ingest.auth import SourceDirectory, write_key_of
from services.ingest.body import inflate, read_body
from services.ingest.formats.decode import decode_object, without_bom
from services.ingest.formats.messages import Several
from services.ingest.letters import letter
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings

Raw = bytes | msgspec.Raw
Accept = Callable[[Raw, Arrival], ChannelEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A request taken apart: its events as they were sent, and what it says for all of them."""

    events: Sequence[Raw]
    shared: Several | None = None  # None: one event by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one kind of request is read. Both functions raise RejectedError."""

    split: Callable[[bytes], Parts]
    accept: Accept


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Everything that the doors share."""

    settings: IngestSettings
    directory: SourceDirectory
    appender: Appender
    clock: Clock
    metrics: IngestMetrics

    async def receive(self, request: Request, format_: Format) -> Response:
        """Never raises for what a sender or the log does: every such case has its answer."""
        try:
            return await self._receive(request, format_)
        except RejectedError as error:
            self.metrics.refused(error.reason)
            return problems.refused(error)
        except ClientDisconnect:
            self.metrics.refused(RejectReason.TORN_LINE)
            return problems.refused(RejectedError(RejectReason.TORN_LINE, "the body was cut off"))
        except RetryableError as error:
            return problems.unavailable(
                str(error), retry_after_seconds=self.settings.retry_after_seconds
            )

    async def _receive(self, request: Request, format_: Format) -> Response:
        key = write_key_of(request)
        source = await self.directory.find(key) if key else None  # before the body is read
        sent = await read_body(request, self.settings)
        raw = sent
        try:
            raw = without_bom(inflate(sent, self.settings))
            if source is None:
                source = await self.directory.find(_key_in(raw))
            parts = format_.split(raw)
        except RejectedError as error:
            if source is None:
                raise
            return await self._refuse(request, raw, error, source)
        arrival = _arrival(parts, source, request, self.clock)
        return await self._append(request, parts, arrival, format_.accept)

    async def _append(
        self, request: Request, parts: Parts, arrival: Arrival, accept: Accept
    ) -> Response:
        """The good ones to the log, the others to the dead letters, in one append."""
        accepted: list[OutgoingMessage] = []
        kept: list[OutgoingMessage] = []
        refused: list[tuple[int, RejectedError]] = []
        headers = carried(request.headers)
        for index, raw in enumerate(parts.events):
            try:
                accepted.append(_outgoing(accept(raw, arrival), headers))
            except RejectedError as error:
                refused.append((index, error))
                place = request.url.path if parts.shared is None else f"{request.url.path}[{index}]"
                kept.extend(self._kept(bytes(raw), error, arrival, place, request=request))
        positions: Sequence[Position] = ()
        if accepted or kept:
            positions = await self.appender.append([*accepted, *kept])
        self.metrics.accepted(len(accepted))
        for _, refusal in refused:
            self.metrics.refused(refusal.reason)
        rejected = [
            {"index": index, "code": error.reason.value, "detail": error.detail}
            for index, error in refused
        ]
        if refused and not accepted:
            first = refused[0][1]
            listed = rejected if parts.shared is not None else ()
            return problems.refused(first, is_kept=bool(kept), rejected=listed)
        return _answer(positions[: len(accepted)], rejected)

    async def _refuse(
        self, request: Request, raw: bytes, error: RejectedError, source: Source
    ) -> Response:
        """A request that cannot be taken apart is kept as one dead letter."""
        sent_at = request.headers.get("sentat")
        arrival = Arrival(source=source, received_at=self.clock.now(), sent_at=sent_at)
        kept = self._kept(raw, error, arrival, request.url.path, request=request)
        if kept:
            await self.appender.append(kept)
        self.metrics.refused(error.reason)
        return problems.refused(error, is_kept=bool(kept))

    def _kept(
        self,
        raw: bytes,
        error: RejectedError,
        arrival: Arrival,
        position: str,
        *,
        request: Request,
    ) -> list[OutgoingMessage]:
        """Nothing when the bytes do not fit into one message: then the answer alone tells."""
        if len(raw) > self.settings.dead_letter_bytes_max:
            return []
        made = letter(
            raw,
            error,
            origin="ingest",
            source=arrival.source.name,
            position=position,
            at=arrival.received_at,
            arrival=arrival,
            headers=request.headers.items(),
        )
        return [made]


def _key_in(raw: bytes) -> str | None:
    found = decode_object(raw).get("writeKey")
    return found if isinstance(found, str) else None


def _arrival(parts: Parts, source: Source, request: Request, clock: Clock) -> Arrival:
    """RudderStack's browser SDK says the time of sending in a header, too."""
    arrival = Arrival(source=source, received_at=clock.now(), sent_at=request.headers.get("sentat"))
    shared = parts.shared
    if shared is None:
        return arrival
    return replace(arrival, sent_at=shared.sent_at or arrival.sent_at, context=shared.context)


def _outgoing(event: ChannelEvent, headers: Headers) -> OutgoingMessage:
    key = record_key_bytes(event.source, event.data.record)
    return OutgoingMessage(topic=TOPIC, key=key, value=encode(event), headers=headers)


def _answer(positions: Sequence[Position], rejected: Sequence[dict[str, Any]]) -> Response:
    body: dict[str, Any] = {
        "success": True,
        "accepted": len(positions),
        "as_of": token(positions),
    }
    if rejected:
        body["rejected"] = rejected
    return Response(msgspec.json.encode(body), media_type="application/json")
