"""The resolver's store in memory: for tests, for trying things out, for one worker.

Deterministic, and gone at exit. An error inside a transaction takes back all that it wrote.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from services.identity.adapters.memory.landing import Counters
from services.identity.adapters.memory.resolving import MemoryTransaction
from services.identity.adapters.memory.snapshot import MemorySnapshot
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.tables import Journal, Tables
from services.identity.domain.ids import SegmentId
from services.identity.store import Reading

NUMBERS_READ_MAX = 5_000


class _Turn:
    """A lock that says so where its thread would wait for itself for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError(
                "a transaction or snapshot of this store is open in this thread, and they do not"
                " nest: end it first, or pass it on"
            )
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()


class MemoryStore:
    """Threads may share it: transactions and snapshots take turns. They do not nest."""

    def __init__(self, sources: MemorySources) -> None:
        self.tables = Tables()
        self._sources = sources
        self._counters = Counters()
        self._turn = _Turn()

    def activate_ruleset(self, version: str, document: bytes) -> None:
        """Keep rules and make them the active ones."""
        with self._turn:
            self.tables.rulesets.pop(version, None)
            self.tables.rulesets[version] = document

    def activate_model(self, version: str, document: bytes) -> None:
        """Keep a model and make it the active one."""
        with self._turn:
            self.tables.models.pop(version, None)
            self.tables.models[version] = document

    def save_segment(self, segment: SegmentId, document: Mapping[str, object]) -> None:
        """Add or replace; profiles move when they next change."""
        with self._turn:
            _, version = self.tables.segments.get(segment, (None, 0))
            self.tables.segments[segment] = (document, version + 1)

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with self._turn:
            journal = Journal()
            try:
                yield MemoryTransaction(self.tables, self._counters, journal, self._sources)
            except BaseException:
                journal.undo()
                raise

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Nobody writes meanwhile."""
        with self.transaction() as tx:
            yield tx

    def record_numbers(self) -> Iterator[Sequence[int]]:
        last = 0
        while True:
            with self._turn:
                later = sorted(number for number in self.tables.records if number > last)
            if not later:
                return
            yield later[:NUMBERS_READ_MAX]
            last = later[:NUMBERS_READ_MAX][-1]

    def pending_work(self) -> int:
        return len(self.tables.marks) + len(self.tables.aside) + len(self.tables.layouts)

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        with self._turn:
            yield MemorySnapshot(self.tables)

    def close(self) -> None:
        """Nothing to let go of."""
