"""How an answer stands: up to which event it speaks (`as_of`), and how late that is (`lag_ms`)."""

import asyncio
from dataclasses import dataclass

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros
from services.identity.domain.reading import ProgressRow
from services.identity.ports import Clock
from services.identity.wire.as_of import is_at_least, token_of_progress
from services.profile_api.ports import ProfileReads
from services.profile_api.problems import Code, ProblemError

LOOK_AGAIN_MS = 25  # between two looks at the resolver's progress while a caller waits
CLOCKS_APART_MAX = Micros(100_000)  # the log's clock may be ahead of ours by this much


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`as_of` is opaque; None before anything was resolved."""

    as_of: str | None
    lag_ms: int

    def members(self) -> dict[str, object]:
        return {"as_of": self.as_of, "lag_ms": self.lag_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """What an answer must have seen: a token that ingest or an earlier answer gave, or nothing."""

    token: str | None = None
    wait_ms: int = 0


NOTHING_ASKED = AtLeast()


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

    async def now(self, asked: AtLeast = NOTHING_ASKED) -> Standing:
        """Raises ProblemError 412 when what was asked for is not resolved within its wait.

        Resolved is what was landed before we saw it landed, once nothing that old is pending.
        """
        if asked.token is None:
            return self._standing(await self._progress())
        seen_at: Micros | None = None
        for left_ms in range(asked.wait_ms, -LOOK_AGAIN_MS, -LOOK_AGAIN_MS):
            row = await self._progress()
            if _is_landed(row, asked.token):
                seen_at = self._clock.now() if seen_at is None else seen_at
                pending = None if row is None else row.pending_since
                if pending is None or pending > seen_at + CLOCKS_APART_MAX:
                    return self._standing(row)
            if left_ms <= 0:
                break
            await asyncio.sleep(min(left_ms, LOOK_AGAIN_MS) / 1_000)
        raise ProblemError(
            Code.NOT_COVERED,
            "what was accepted with this token is not resolved yet; ask again after 1 s",
            members=self._standing(self._row).members(),
            headers={"Retry-After": "1"},
        )

    async def _progress(self) -> ProgressRow | None:
        if self._is_stale():
            async with self._reading:
                if self._is_stale():
                    at = self._clock.now()
                    self._row = await self._reads.progress()
                    self._read_at = at
        return self._row

    def _standing(self, row: ProgressRow | None) -> Standing:
        if row is None:
            return Standing(as_of=None, lag_ms=0)
        since = row.pending_since
        late = 0 if since is None else max(0, self._clock.now() - since)
        return Standing(as_of=_token(row), lag_ms=late // 1_000)

    def _is_stale(self) -> bool:
        return self._read_at is None or self._clock.now() - self._read_at >= self._cache_micros


def _token(row: ProgressRow | None) -> str | None:
    return token_of_progress(row.as_of) if row is not None and row.as_of else None


def _is_landed(row: ProgressRow | None, wanted: str) -> bool:
    try:
        return is_at_least(_token(row), wanted)
    except UsageError as error:
        raise ProblemError(Code.INVALID_REQUEST, f"at_least: {error}") from None
