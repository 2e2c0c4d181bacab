"""What landing refuses, as a message of the dead-letter topic, with everything to try it again."""

from services.identity.domain.errors import RejectedError
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of
from services.identity.ports import Message, OutgoingMessage
from services.identity.wire import dead_letter
from services.identity.wire.events import DEAD_LETTER_TOPIC


def letter_of(message: Message, error: RejectedError, at: Micros) -> OutgoingMessage:
    """A message that is another try of a letter keeps that letter's id, and when it began."""
    place, body = message.partition, message.value or b""
    now = instant_of(at)
    source, message_id = dead_letter.sender_of(body)
    retry = dead_letter.retry_of(message.headers)
    letter = dead_letter.DeadLetter(
        reason=error.reason,
        detail=error.detail,
        origin=dead_letter.LAND,
        at=now,
        body=dead_letter.body_of(body),
        source=source,
        position=f"{place.topic}/{place.index}/{message.offset}",
        id=None if retry is None else retry.letter,
        message_id=message_id,
        stage=dead_letter.stage_of(error),
        first_at=now if retry is None else retry.first_at,
        tries=1 if retry is None else retry.tries,
        headers=dead_letter.headers_of(message.headers),
    )
    return OutgoingMessage(
        topic=DEAD_LETTER_TOPIC, key=message.key, value=dead_letter.encode(letter)
    )
