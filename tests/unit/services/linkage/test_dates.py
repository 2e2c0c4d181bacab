"""Dates of birth in every order and with every typo that keeps its parts."""

import pytest

from services.linkage.dates import date_features, is_day_first, parse_date


@pytest.mark.parametrize(
    ("written", "day_first", "parts"),
    [
        pytest.param("1980-04-05", True, ("1980", "04", "05"), id="iso, whatever the column"),
        pytest.param("05/04/1980", True, ("1980", "04", "05"), id="day first"),
        pytest.param("04/05/1980", False, ("1980", "04", "05"), id="month first"),
        pytest.param("1980-04-05T00:00:00Z", False, ("1980", "04", "05"), id="with a time"),
        pytest.param("1980-04-05 00:00", False, ("1980", "04", "05"), id="with a time and blank"),
        pytest.param("19800405", False, ("1980", "04", "05"), id="compact"),
        pytest.param("04051980", False, ("1980", "04", "05"), id="compact, year last"),
        pytest.param("5 Apr 1980", False, ("1980", "04", "05"), id="month name"),
        pytest.param("April 5, 1980", True, ("1980", "04", "05"), id="month name first"),
        pytest.param("5-apr-80", False, ("1980", "04", "05"), id="two-digit year"),
        pytest.param("5/4/26", True, ("2026", "04", "05"), id="two-digit year of this century"),
        pytest.param("5/4/27", True, ("1927", "04", "05"), id="two-digit year of the last"),
        pytest.param("1980-13-05", False, ("1980", "05", "13"), id="month and day swapped"),
        pytest.param("1980-02-31", False, ("1980", "02", "31"), id="a day that never was"),
        pytest.param("05041980", True, ("1980", "04", "05"), id="compact, day first"),
        pytest.param("18051940", True, ("1940", "05", "18"), id="compact, a day like a century"),
        pytest.param(
            "20101985", True, ("1985", "10", "20"), id="compact, like a year and no month"
        ),
        pytest.param("19801305", False, ("1980", "05", "13"), id="compact, month and day swapped"),
        pytest.param("5th of April 1980", False, ("1980", "04", "05"), id="as it is said"),
        pytest.param("5. Dezember 1980", False, ("1980", "12", "05"), id="German"),
        pytest.param("5 juin 1980", False, ("1980", "06", "05"), id="French June"),
        pytest.param("5 juillet 1980", False, ("1980", "07", "05"), id="French July"),
        pytest.param("5 de agosto de 1980", False, ("1980", "08", "05"), id="Spanish"),
        pytest.param("Apr-05-1980", False, ("1980", "04", "05"), id="month name and dashes"),
        pytest.param("1980", False, ("1980", None, None), id="year only"),
    ],
)
def test_a_date_is_read(written: str, day_first: bool, parts: tuple[str, ...]) -> None:  # noqa: FBT001 - a column of the table
    assert parse_date(written, day_first=day_first) == parts


@pytest.mark.parametrize("written", ["", "unknown", "5 foo 1980", "12", "1/2/3/4"])
def test_what_is_no_date_is_null(written: str) -> None:
    assert parse_date(written, day_first=True) is None


def test_a_column_writes_the_day_first_where_first_numbers_are_too_large_for_months() -> None:
    assert is_day_first(["13/04/1980", "14/01/1980", "01/02/1980", "04/25/1980"])
    assert not is_day_first(["04/13/1980", "13/04/1980"])
    assert not is_day_first(["1980-25-01", "soon", "19802501"])
    assert is_day_first(["13041980"])
    assert not is_day_first(["04131980"])


def test_a_year_alone_gives_no_date() -> None:
    assert date_features("d0", ("1980", None, None)) == {"d0_y": "1980"}
    assert date_features("d0", ("1980", "04", "05")) == {
        "d0": "1980-04-05",
        "d0_y": "1980",
        "d0_md": "0405",
        "d0_dm": "0504",
    }
