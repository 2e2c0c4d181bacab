"""Instants as the API writes them: RFC 3339 in UTC."""

from datetime import UTC, date, datetime

from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def instant(at: Micros | int | None) -> datetime | None:
    """A time in UTC; one beyond the years 1 to 9999 is shown as the nearest that can be."""
    if at is None:
        return None
    try:
        return instant_of(at)
    except OverflowError:
        return _LAST if at > 0 else _FIRST


def day(at: Micros) -> date:
    return instant_of(at).date()
