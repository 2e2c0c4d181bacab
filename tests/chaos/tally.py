"""What really happened in a chaotic run; threads may count at the same time."""

import threading
from collections import Counter


class Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._faults: list[str] = []

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def fault(self, what: str) -> None:
        """Something that must not happen, whatever was killed."""
        with self._lock:
            self._faults.append(what)

    def of(self, what: str) -> int:
        with self._lock:
            return self._counts[what]

    def total(self, prefix: str) -> int:
        with self._lock:
            return sum(count for name, count in self._counts.items() if name.startswith(prefix))

    def faults(self) -> list[str]:
        with self._lock:
            return list(self._faults)

    def lines(self) -> list[str]:
        with self._lock:
            return [f"  {name}: {count:,}" for name, count in sorted(self._counts.items())]
