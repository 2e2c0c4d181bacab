"""How an answer stands: up to which event it speaks (`as_of`), and how late that is (`lag_ms`)."""

import asyncio
from dataclasses import dataclass

from services.identity.domain.ids import Micros
from services.identity.domain.reading import ProgressRow
from services.identity.ports import Clock
from services.profile_api.ports import ProfileReads


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`as_of` is opaque; None before anything was resolved."""

    as_of: str | None
    lag_ms: int

    def members(self) -> dict[str, object]:
        return {"as_of": self.as_of, "lag_ms": self.lag_ms}


class StandingReader:
    """Reads the resolver's progress at most once every `cache_micros`.

    Read before the answer itself, so that the answer never stands earlier than it says.
    """

    def __init__(self, reads: ProfileReads, clock: Clock, *, cache_micros: int) -> None:
        self._reads = reads
        self._clock = clock
        self._cache_micros = cache_micros
        self._row: ProgressRow | None = None
        self._read_at: Micros | None = None
        self._reading = asyncio.Lock()

    async def now(self) -> Standing:
        if self._is_stale():
            async with self._reading:
                if self._is_stale():
                    at = self._clock.now()
                    self._row = await self._reads.progress()
                    self._read_at = at
        if self._row is None:
            return Standing(as_of=None, lag_ms=0)
        since = self._row.pending_since
        late = 0 if since is None else max(0, self._clock.now() - since)
        return Standing(as_of=self._row.as_of, lag_ms=late // 1_000)

    def _is_stale(self) -> bool:
        return self._read_at is None or self._clock.now() - self._read_at >= self._cache_micros
