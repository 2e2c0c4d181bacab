"""Plain values of a file that somebody wrote: each is read, or refused by the name of its place."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from services.identity.domain.errors import UsageError

T = TypeVar("T")


def section(raw: object, place: str, known: tuple[str, ...] | None) -> Mapping[str, Any]:
    """Names with values; `known` says which, None that any may stand there."""
    if not isinstance(raw, dict) or not all(isinstance(name, str) for name in raw):
        raise UsageError(f"{place} must be names with values")
    unknown = sorted(set(raw) - set(known)) if known is not None else []
    if unknown:
        raise UsageError(f"{place}: unknown {unknown[0]!r}; known are {', '.join(known or ())}")
    return raw


def one_of(value: object, place: str, known: Iterable[T]) -> T:
    for each in known:
        if each == value:
            return each
    raise UsageError(f"{place} must be one of {', '.join(map(str, known))}")


def number(value: object, place: str, most: int, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{place} must be a whole number from {least} to {most}")
    return value


def texts(value: object, place: str, most: int) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise UsageError(f"{place} must be a list of texts; write numbers and null in quotes")
    if len(value) > most:
        raise UsageError(f"{place}: at most {most}")
    return value


def share(value: object, place: str, *, least: float, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise UsageError(f"{place} must be a number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]
