"""The system clock, and one that a test or a simulation moves by hand."""

import time
from dataclasses import dataclass

from services.identity.domain.ids import Micros


class SystemClock:
    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)


@dataclass
class ManualClock:
    """A clock that stands still until it is told to move."""

    at: Micros

    def now(self) -> Micros:
        return self.at

    def advance(self, micros: int) -> None:
        self.at = Micros(self.at + micros)
