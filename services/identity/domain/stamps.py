"""Stamps: when something was said, and by which event; they decide which of two words is newer."""

from msgspec import Struct

from services.identity.domain.events import Scalar
from services.identity.domain.ids import Micros


class Stamped(Struct, frozen=True, kw_only=True, gc=False):
    """A value with the stamp that decides which of two is newer."""

    value: Scalar
    at: Micros
    by: str
    dated: bool

    def order(self) -> tuple[int, str]:
        return (self.at, self.by)


class Seen(Struct, frozen=True, kw_only=True, gc=False):
    """When something was first and last said; None where only undated rows said it."""

    first: Micros | None
    last: Micros | None


def seen_again(known: Seen | None, at: Micros | None) -> Seen:
    """With one more time at which it was said; the order does not matter."""
    if known is None:
        return Seen(first=at, last=at)
    if at is None:
        return known
    first = at if known.first is None else min(known.first, at)
    last = at if known.last is None else max(known.last, at)
    return known if (first, last) == (known.first, known.last) else Seen(first=first, last=last)
