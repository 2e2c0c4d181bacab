"""A second hand in the process that lands, behind a pipe of its own: its Python has another core.

To the store it is one more worker (hand.py). It computes where landing leaves time for it.
"""

from multiprocessing.connection import Connection
from typing import cast

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.store_marks import Half
from services.resolver.hand import Hand, Pause
from services.resolver.observe import Observer
from services.resolver.pipe import Reply, told
from services.resolver.resolution import Resolution

RESOLVE = "resolve_half"


class HandAfar:
    """The side of the pipe that asks; for one thread. The landing side gives it its line.

    `observer` is told what the other side's was.
    """

    def __init__(self, observer: Observer) -> None:
        self.line: Connection | None = None
        self._observer = observer

    def resolve_once(
        self,
        *,
        pause: Pause,  # noqa: ARG002  # it gives up instead
        waiting: bool = False,  # noqa: ARG002  # for the first hand
        half: Half | None = None,
    ) -> Resolution | None:
        """One batch of marks. Raises what was raised there, and RetryableError where it died."""
        line = self.line
        if line is None:
            raise RetryableError("the process of the second hand is not there")
        try:
            line.send((RESOLVE, {"half": half}))
            reply: Reply = line.recv()
        except (EOFError, OSError) as error:
            raise RetryableError("the process of the second hand ended") from error
        return cast("Resolution | None", told(reply, self._observer))


class ServedHand:
    """What the other side may ask of a hand."""

    requests = frozenset({RESOLVE})
    landed_at: Micros | None = None

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def resolve_half(self, *, half: Half | None) -> Resolution | None:
        """Where others are faster, time after time, its worker waits, and asks again."""
        return self._hand.resolve_once(pause=lambda _: True, waiting=False, half=half)
