"""The corrected time of an event, rule by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.ids import Micros
from services.identity.domain.instants import instant_of
from services.ingest.times import FUTURE_MAX, occurred_at, parse_instant

NOW = Micros(1_795_200_000_000_000)
HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(offset: int) -> str:
    return instant_of(Micros(NOW + offset)).isoformat()


@pytest.mark.parametrize(
    ("original", "sent_at", "expected"),
    [
        pytest.param(None, None, 0, id="no time: the arrival"),
        pytest.param(at(-HOUR), None, -HOUR, id="no sentAt: the original"),
        pytest.param(at(-HOUR), at(0), -HOUR, id="an honest clock changes nothing"),
        pytest.param(at(9 * DAY), at(9 * DAY + HOUR), -HOUR, id="a wrong clock cancels out"),
        pytest.param(at(-HOUR), "yesterday", -HOUR, id="an unreadable sentAt is left out"),
        pytest.param(at(HOUR), None, 0, id="a little ahead: the arrival"),
        pytest.param(at(FUTURE_MAX), None, 0, id="a day ahead: the arrival"),
    ],
)
def test_when_it_happened(original: str | None, sent_at: str | None, expected: int) -> None:
    assert occurred_at(received_at=NOW, original=original, sent_at=sent_at) == NOW + expected


@pytest.mark.parametrize(
    "original",
    [
        pytest.param(at(FUTURE_MAX + 1), id="more than a day ahead"),
        pytest.param("soon", id="unreadable"),
        pytest.param("1969-12-31", id="before 1970"),
        pytest.param("9999-12-31T23:59:59-12:00", id="out of the calendar"),
        pytest.param("0001-01-01T00:00:00+12:00", id="before the calendar"),
    ],
)
def test_a_time_that_cannot_be_is_refused(original: str) -> None:
    with pytest.raises(RejectedError) as refused:
        occurred_at(received_at=NOW, original=original, sent_at=None)
    assert refused.value.reason is RejectReason.BAD_TIME


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_instant("2026-11-20 10:00:00") == parse_instant("2026-11-20T11:00:00+01:00")


@given(st.text(max_size=30))
def test_any_text_is_read_or_not_but_never_breaks(text: str) -> None:
    read = parse_instant(text)
    assert read is None or parse_instant(instant_of(read).isoformat()) == read
