"""Dates of birth as people write them: parts are kept even where no such day exists.

A typo can then still be compared with what was meant. Nothing here knows today's date.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from services.linkage.folding import CACHE_MAX, ascii_text

TWO_DIGIT_YEAR_MAX = 26
"""Two-digit years up to this one are in this century. A constant, so that a rebuild agrees."""

_MONTH_NAMES = (
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "ene fev mrz abr mai juin juil aou set okt now dez",
    "gen fev mrt avr mag giu lug ago sept ott noi dic",
    "jan fev mae avr mei juni juli ago sep out nov des",
)
_MONTHS = {
    name: f"{number:02}" for line in _MONTH_NAMES for number, name in enumerate(line.split(), 1)
}
"""By the first three letters, or four where three do not tell: English first, then neighbours."""
_DIGITS = re.compile("[0-9]+")
_TIME_OF_DAY = re.compile(r"[t ]\d{1,2}:\d{2}.*$")
_DAY_MONTH_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?(?:[-/., ]|of |de )*([a-z]{3,12})(?:[-/., ]|de )*(\d{2,4})"
)
_MONTH_NAME_DAY = re.compile(r"([a-z]{3,12})[-/. ]*(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{2,4})")
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
    number = _MONTHS.get(month[:4]) or _MONTHS.get(month[:3])
    return None if number is None else (year, number, day)


def _numbers(text: str, *, day_first: bool) -> Parts | None:
    match _DIGITS.findall(text):
        case [year, month, day] if len(year) == _FULL_YEAR:
            return (year, month, day)
        case [first, second, year]:
            return (year, second, first) if day_first else (year, first, second)
        case [date] if len(date) == _COMPACT and _begins_with_year(date):
            return (date[:4], date[4:6], date[6:])
        case [date] if len(date) == _COMPACT:
            first, second, year = date[:2], date[2:4], date[4:]
            return (year, second, first) if day_first else (year, first, second)
        case [year] if len(year) == _FULL_YEAR:
            return (year, None, None)
        case _:
            return None


def _begins_with_year(date: str) -> bool:
    """20101985 begins with a day: it has no month 19, and 1985 is a year."""
    could_be_month = 1 <= int(date[4:6]) <= _MONTH_MAX
    return date.startswith(_CENTURIES) and (could_be_month or date[4:6] not in _CENTURIES)


def is_day_first(texts: Iterable[str]) -> bool:
    """Whether a column writes the day before the month: which position exceeds 12 more often."""
    first = second = 0
    for text in texts:
        numbers = _DIGITS.findall(text[:40])
        if len(numbers) == 1 and len(numbers[0]) == _COMPACT and not _begins_with_year(numbers[0]):
            numbers = [numbers[0][:2], numbers[0][2:4], numbers[0][4:]]
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
