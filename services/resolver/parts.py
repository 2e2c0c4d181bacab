"""The parts of resolving, as whoever measures it hears of them."""

from collections.abc import Callable
from enum import StrEnum


class Part(StrEnum):
    """What a batch is in, until it says that it is in another, or ends."""

    CANDIDATES = "candidates"  # dirty records and whom they share a key with
    SCORE = "score"
    COMPONENTS = "components"  # locked, read, and everything checked again
    CLUSTER = "cluster"
    PROFILES = "profiles"
    SEGMENTS = "segments"
    WRITE = "write"  # the commit, too


Entered = Callable[[Part], None]


def unheard(_: Part) -> None:
    """Nobody measures."""
