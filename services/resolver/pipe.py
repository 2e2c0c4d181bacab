"""Requests to a process beside this one: answered in their order, one reply to each.

What the process tells its observer travels with the reply and is told again on this side.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

from services.identity.domain.ids import Micros
from services.identity.ports import Loss, Message, OutgoingMessage
from services.identity.store import ReviewItem
from services.resolver.land import Landing
from services.resolver.observe import Observer, Silent, Stage
from services.resolver.parts import Part
from services.resolver.resolution import Resolution

Note = tuple[str, tuple[Any, ...]]
"""A call of an observer: its name and what it was told."""


class Reply(NamedTuple):
    """What a request came to, or the error it raised, and what was told meanwhile."""

    value: Any
    error: Exception | None
    notes: Sequence[Note]
    landed_at: Micros | None


class Served(Protocol):
    """What requests are about."""

    @property
    def requests(self) -> frozenset[str]:
        """The methods that may be asked for."""
        ...

    @property
    def landed_at(self) -> Micros | None: ...


class Notes(Silent):
    """An observer that keeps what it is told, to be told again elsewhere. Of one thread."""

    def __init__(self, *, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._kept: list[Note] = []
        self._begun = 0.0
        self._parts: list[tuple[Part, float]] = []

    def taken(self) -> Sequence[Note]:
        kept, self._kept = self._kept, []
        return kept

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self._parts = []
        self._begun = self._timer()
        yield
        spent = self._timer() - self._begun
        self._kept.append(("took", (stage, spent, tuple(self._parts))))

    def entered(self, part: Part) -> None:
        self._parts.append((part, self._timer() - self._begun))

    def polled(self, messages: Sequence[Message]) -> None:
        self._kept.append(("polled", (messages,)))

    def landed(self, landing: Landing) -> None:
        self._kept.append(("landed", (landing,)))

    def lost(self, losses: Sequence[Loss]) -> None:
        self._kept.append(("lost", (losses,)))

    def resolved(self, resolution: Resolution) -> None:
        self._kept.append(("resolved", (resolution,)))

    def parked(self, items: Sequence[ReviewItem]) -> None:
        self._kept.append(("parked", (items,)))

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        self._kept.append(("told", (messages,)))

    def restarted(self, stage: Stage) -> None:
        self._kept.append(("restarted", (stage,)))


def serve(line: Connection, served: Served, notes: Notes) -> None:
    """Answer until nobody asks any more."""
    while True:
        try:
            name, arguments = line.recv()
        except (EOFError, OSError):
            return
        value, error = None, None
        try:
            value = getattr(served, name)(**arguments) if name in served.requests else None
        except Exception as raised:  # noqa: BLE001  # raised again on the other side
            error = raised
        try:
            line.send(Reply(value, error, notes.taken(), served.landed_at))
        except OSError:
            return


def told(reply: Reply, observer: Observer) -> Any:  # noqa: ANN401  # whatever was asked for
    """Tell on this side what was told on the other; raise what was raised there."""
    for name, arguments in reply.notes:
        getattr(observer, name)(*arguments)
    if reply.error is not None:
        raise reply.error
    return reply.value
