"""What is refused, as a message of the dead-letter topic, with the bytes as they came."""

from services.identity.domain.errors import RejectedError
from services.identity.domain.ids import Micros
from services.identity.ports import OutgoingMessage
from services.identity.wire.dead_letter import DeadLetter, body_of, encode
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.ingest.times import instant_of


def letter(
    raw: bytes, error: RejectedError, *, origin: str, source: str, position: str, at: Micros
) -> OutgoingMessage:
    """`position` is where it stood: a path, with its index in a batch, or a line of a file."""
    return OutgoingMessage(
        topic=DEAD_LETTER_TOPIC,
        key=source.encode(),
        value=encode(
            DeadLetter(
                reason=error.reason,
                detail=error.detail,
                origin=origin,
                at=instant_of(at),
                body=body_of(raw),
                source=source,
                position=position,
            )
        ),
    )
