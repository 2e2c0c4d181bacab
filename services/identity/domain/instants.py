"""Instants as microseconds since 1970, and as Python's datetimes in UTC: exact both ways."""

from datetime import UTC, datetime, timedelta

from services.identity.domain.ids import Micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant_of(at: Micros | int) -> datetime:
    """Raises OverflowError beyond the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=at)


def micros_of(instant: datetime) -> Micros:
    """`instant` must say its offset from UTC."""
    return Micros((instant - EPOCH) // _MICROSECOND)
