"""How long to wait before trying again: longer each time, and never all workers at once."""

from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_SECONDS = 0.1
PAUSE_SECONDS_MAX = 5.0


def _unspread() -> float:
    return 1.0


@dataclass(slots=True)
class Backoff:
    """`random` gives numbers in [0, 1): a pause is half fixed and half chance."""

    random: Callable[[], float] = _unspread
    _pause: float = field(default=FIRST_SECONDS, init=False)

    def next_seconds(self) -> float:
        """The pause after one more failure."""
        pause = self._pause
        self._pause = min(pause * 2, PAUSE_SECONDS_MAX)
        return pause * (0.5 + self.random() / 2)

    def reset(self) -> None:
        """It worked: the next failure starts small again."""
        self._pause = FIRST_SECONDS
