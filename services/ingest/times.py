"""When an event happened, told from the sender's clock and ours.

The rules, by name:
- CORRECTED: with `sentAt`, occurred = received - (sent - original): a sender's wrong clock cancels
  out. Without it the original time stands, without that the time of arrival.
- SENT_AT_ONLY_CORRECTS: an unreadable `sentAt` is left out; it never costs an event.
- NOT_AFTER_ARRIVAL: up to FUTURE_MAX ahead of us becomes the time of arrival.
- FUTURE_MAX: further ahead is refused with BAD_TIME, as it would win over the truth for ever.
"""

from datetime import UTC, datetime

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros
from services.identity.domain.instants import micros_of

_FIRST = micros_of(datetime.min.replace(tzinfo=UTC))
_LAST = micros_of(datetime.max.replace(tzinfo=UTC))
FUTURE_MAX = Micros(24 * 3_600 * 1_000_000)
"""A phone's clock may be wrong by a day; more is a broken sender."""


def parse_instant(text: str) -> Micros | None:
    """Microseconds of an ISO 8601 time; a time without a zone is UTC. None when unreadable."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    at = micros_of(read)
    return at if _FIRST <= at <= _LAST else None  # a zone can lead out of the calendar


def occurred_at(*, received_at: Micros, original: str | None, sent_at: str | None) -> Micros:
    """When it happened, by the rules above.

    Raises RejectedError(BAD_TIME) for an unreadable original time, one before 1970, or one that
    lies more than FUTURE_MAX ahead.
    """
    if not original:
        return received_at
    said = parse_instant(original)
    if said is None:
        raise RejectedError(
            RejectReason.BAD_TIME,
            "the time of the event cannot be read; send ISO 8601, like 2026-01-31T12:00:00Z",
        )
    sent = parse_instant(sent_at) if sent_at else None
    happened = said if sent is None else Micros(received_at - (sent - said))
    if happened > received_at + FUTURE_MAX:
        raise RejectedError(
            RejectReason.BAD_TIME,
            "the time of the event is more than 24 hours ahead; set the sender's clock",
        )
    if happened < 0:
        raise RejectedError(
            RejectReason.BAD_TIME, "the time of the event is before 1970; set the sender's clock"
        )
    return min(happened, received_at)
