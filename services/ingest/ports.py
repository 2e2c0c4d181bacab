"""What ingest asks of the outside beyond the log: who may send, and which files were loaded."""

from collections.abc import Mapping
from typing import Protocol

from services.identity.domain.ids import Micros
from services.identity.domain.source import Source


class Sources(Protocol):
    """The declared sources. Write keys are known by their hash only (`auth.hash_write_key`)."""

    def by_write_key_hash(self) -> Mapping[bytes, Source]:
        """Raises RetryableError when they cannot be read now."""
        ...


class Loads(Protocol):
    """Which files were loaded: a file is known by its content, per source."""

    def loaded_at(self, file_hash: bytes, source: str) -> Micros | None: ...
    def record(self, file_hash: bytes, source: str, *, loaded_at: Micros, rows: int) -> None: ...
