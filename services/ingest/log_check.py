"""Whether the log answers, asked by readiness: at most one question at a time, and kept a while."""

import asyncio
from collections.abc import Callable

from services.identity.domain.errors import RetryableError

Ask = Callable[[], object]
"""Any question that only a log that works can answer. Blocks; raises RetryableError."""


class LogCheck:
    """Belongs to one event loop."""

    def __init__(self, ask: Ask, *, cache_ms: int, wait_ms_max: int) -> None:
        self._ask = ask
        self._cache_seconds = cache_ms / 1_000
        self._wait_seconds_max = wait_ms_max / 1_000
        self._asking: asyncio.Task[object] | None = None
        self._answered_at: float | None = None

    async def check(self) -> None:
        """Raises RetryableError when the log does not answer in time."""
        loop = asyncio.get_running_loop()
        if self._answered_at is not None and loop.time() - self._answered_at < self._cache_seconds:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._ask))
            self._asking.add_done_callback(_look_at)
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                await asyncio.shield(self._asking)
        except TimeoutError:
            raise RetryableError("the log did not answer in time") from None
        self._answered_at = loop.time()


def _look_at(task: asyncio.Task[object]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()
