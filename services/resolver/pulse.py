"""Whether a worker works: what the readiness of its process says."""

import threading
from collections.abc import Callable, Sequence

from services.identity.domain.errors import RetryableError
from services.identity.ports import Loss
from services.resolver.observe import Silent

TURN_SECONDS_MAX = 120.0  # a component set aside may take a minute; longer, and something hangs


class Pulse(Silent):
    """An observer of one worker, asked from other threads. `timer` gives monotonic seconds."""

    def __init__(self, *, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._turned_at: float | None = None
        self._trouble = "the worker has not made its first turn"
        self._messages_lost = 0

    def turned(self) -> None:
        with self._lock:
            self._turned_at = self._timer()
            self._trouble = ""

    def failed(self, error: Exception, *, pause_seconds: float) -> None:  # noqa: ARG002  # an Observer's
        with self._lock:
            self._trouble = str(error) if isinstance(error, RetryableError) else "it starts again"

    def lost(self, losses: Sequence[Loss]) -> None:
        with self._lock:
            self._messages_lost += sum(loss.kept - loss.first for loss in losses)

    def check(self) -> int:
        """How many messages were lost since this process began; `plait doctor` knows of all.

        Raises RetryableError unless the last turn went well and not long ago.
        """
        with self._lock:
            trouble, turned_at, lost = self._trouble, self._turned_at, self._messages_lost
        if trouble:
            raise RetryableError(trouble)
        if turned_at is not None and self._timer() - turned_at > TURN_SECONDS_MAX:
            raise RetryableError("the worker's turn takes very long")
        return lost
