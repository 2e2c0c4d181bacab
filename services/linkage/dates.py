"""Dates of birth as people write them: parts are kept even where no such day exists.

A typo can then still be compared with what was meant. Nothing here knows today's date.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from services.linkage.folding import CACHE_MAX, ascii_text

TWO_DIGIT_YEAR_MAX = 26
"""Two-digit years up to this one are in this century. A constant, so that a rebuild agrees."""

_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DIGITS = re.compile("[0-9]+")
_TIME_OF_DAY = re.compile(r"[t ]\d{1,2}:\d{2}.*$")
_DAY_MONTH_NAME = re.compile(r"(\d{1,2})[-/ ]?([a-z]{3})[a-z]*[-/ ,]*(\d{2,4})")
_MONTH_NAME_DAY = re.compile(r"([a-z]{3})[a-z]* (\d{1,2}),? (\d{2,4})")
_CENTURIES = ("15", "16", "17", "18", "19", "20")
_FULL_YEAR = 4
_COMPACT = 8
_MONTH_MAX = 12

Parts = tuple[str, str | None, str | None]
"""Year of four digits, month and day of two; a date of which only the year is known has no more."""


@lru_cache(maxsize=CACHE_MAX)
def parse_date(text: str, *, day_first: bool) -> Parts | None:
    """Read a date; `day_first` decides 05/04 where the year stands last. None if it is none."""
    folded = _TIME_OF_DAY.sub("", ascii_text(text))
    found = _named_month(folded) or _numbers(folded, day_first=day_first)
    if found is None:
        return None
    year, month, day = found
    if len(year) == 2:  # noqa: PLR2004 - the two digits of a two-digit year
        year = ("20" if int(year) <= TWO_DIGIT_YEAR_MAX else "19") + year
    year = year.zfill(_FULL_YEAR)
    if month is None or day is None:
        return (year, None, None)
    month, day = month.zfill(2), day.zfill(2)
    if int(month) > _MONTH_MAX >= int(day):
        month, day = day, month
    return (year, month[:2], day[:2])


def _named_month(text: str) -> Parts | None:
    if match := _DAY_MONTH_NAME.fullmatch(text):
        day, month, year = match.groups()
    elif match := _MONTH_NAME_DAY.fullmatch(text):
        month, day, year = match.groups()
    else:
        return None
    return (year, _MONTHS[month], day) if month in _MONTHS else None


def _numbers(text: str, *, day_first: bool) -> Parts | None:
    match _DIGITS.findall(text):
        case [year, month, day] if len(year) == _FULL_YEAR:
            return (year, month, day)
        case [first, second, year]:
            return (year, second, first) if day_first else (year, first, second)
        case [date] if len(date) == _COMPACT and date.startswith(_CENTURIES):
            return (date[:4], date[4:6], date[6:])
        case [date] if len(date) == _COMPACT:
            return (date[4:], date[:2], date[2:4])
        case [year] if len(year) == _FULL_YEAR:
            return (year, None, None)
        case _:
            return None


def is_day_first(texts: Iterable[str]) -> bool:
    """Whether a column writes the day before the month: which position exceeds 12 more often."""
    first = second = 0
    for text in texts:
        numbers = _DIGITS.findall(text[:40])
        if len(numbers) == 3 and len(numbers[0]) <= 2:  # noqa: PLR2004 - two numbers and a year
            first += int(numbers[0]) > _MONTH_MAX
            second += len(numbers[1]) <= 2 and int(numbers[1]) > _MONTH_MAX  # noqa: PLR2004
    return first > second


def date_features(column: str, parts: Parts) -> dict[str, str]:
    """`d` the date, `_y` year, `_md` month and day, `_dm` the two swapped."""
    year, month, day = parts
    if month is None or day is None:
        return {f"{column}_y": year}
    return {
        column: f"{year}-{month}-{day}",
        f"{column}_y": year,
        f"{column}_md": month + day,
        f"{column}_dm": day + month,
    }
