"""Declared sources and loaded files in memory: for tests and for ingest without a database."""

from collections.abc import Mapping

from services.identity.domain.ids import Micros
from services.identity.domain.source import Source


class MemorySources:
    def __init__(self) -> None:
        self._by_name: dict[str, Source] = {}
        self._names: dict[bytes, str] = {}

    def register(self, source: Source, *, write_key_hash: bytes | None, at: Micros) -> None:
        """Add or replace; without a hash, a key given earlier stays. `at` is not kept here."""
        del at
        self._by_name[source.name] = source
        if write_key_hash is not None:
            self._names = {k: name for k, name in self._names.items() if name != source.name}
            self._names[write_key_hash] = source.name

    def find(self, name: str) -> Source | None:
        return self._by_name.get(name)

    def every(self) -> list[Source]:
        return [self._by_name[name] for name in sorted(self._by_name)]

    def by_write_key_hash(self) -> Mapping[bytes, Source]:
        return {digest: self._by_name[name] for digest, name in self._names.items()}


class MemoryLoads:
    def __init__(self) -> None:
        self._loads: dict[tuple[bytes, str], tuple[Micros, int]] = {}

    def loaded_at(self, file_hash: bytes, source: str) -> Micros | None:
        found = self._loads.get((file_hash, source))
        return None if found is None else found[0]

    def record(self, file_hash: bytes, source: str, *, loaded_at: Micros, rows: int) -> None:
        self._loads[file_hash, source] = (loaded_at, rows)
