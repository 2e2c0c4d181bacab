"""What is refused, as a message of the dead-letter topic, with the bytes as they came."""

from collections.abc import Iterable

from services.identity.domain.errors import RejectedError
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of
from services.identity.ports import OutgoingMessage
from services.identity.wire import dead_letter
from services.identity.wire.dead_letter import DeadLetter, body_of, encode
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.ingest.accept import Arrival

HEADERS_KEPT = ("content-encoding", "content-type", "sentat", "user-agent")
"""Of a request: what may explain the refusal. Never who was let in: that names a key."""


def letter(  # noqa: PLR0913  # each is a part of what is kept
    raw: bytes,
    error: RejectedError,
    *,
    origin: str,
    source: str,
    position: str,
    at: Micros,
    arrival: Arrival | None = None,
    headers: Iterable[tuple[str, str]] = (),
    load_at: Micros | None = None,
) -> OutgoingMessage:
    """`position` is where it stood: a path, with its index in a batch, or a line of a file.

    `arrival` is what its request said for all of its events, `load_at` the instant of the undated
    rows of its file: with them it becomes, sent again, what it would have been at first.
    """
    kept = [(name, value.encode()) for name, value in headers if name in HEADERS_KEPT]
    made = DeadLetter(
        reason=error.reason,
        detail=error.detail,
        origin=origin,
        at=instant_of(at),
        body=body_of(raw),
        source=source,
        position=position,
        message_id=dead_letter.sender_of(raw)[1],
        stage=dead_letter.stage_of(error),
        headers=dead_letter.headers_of(kept),
        sent_at=arrival.sent_at if arrival else None,
        context=dict(arrival.context or {}) if arrival else {},
        load_at=None if load_at is None else instant_of(load_at),
    )
    return OutgoingMessage(topic=DEAD_LETTER_TOPIC, key=source.encode(), value=encode(made))
