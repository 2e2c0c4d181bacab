"""What a worker tells of its work, to whoever listens: metrics, logs, readiness.

Counts, reasons and durations only. An observer that is handed messages looks at their types.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from services.identity.domain.ids import Micros
from services.identity.ports import Loss, Message, OutgoingMessage, Position, Producer
from services.identity.store import ReviewItem, Transaction
from services.resolver.land import Landing
from services.resolver.parts import Part
from services.resolver.resolution import Resolution

Entries = Sequence[tuple[Part, float]]
"""The parts that a stage came to, and how many seconds after its beginning."""


class Stage(StrEnum):
    """The parts of a worker's turn that are timed."""

    POLL = "poll"
    LAND = "land"
    RESOLVE = "resolve"
    RELAY = "relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a worker is behind: unread messages of its partitions, age of the oldest work."""

    events: int
    seconds: float
    dirty_rows: int


class Observer(Protocol):
    def stage(self, stage: Stage) -> AbstractContextManager[None]:
        """Entered around each stage of a turn, also one that finds nothing to do."""
        ...

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None:
        """A stage that was gone through elsewhere, in a process of its own."""
        ...

    def entered(self, part: Part) -> None:
        """Resolving has come to this part; it lasts until the next, or the stage's end."""
        ...

    def polled(self, messages: Sequence[Message]) -> None:
        """What is landed next; their headers may say where they come from."""
        ...

    def landed(self, landing: Landing) -> None: ...
    def lost(self, losses: Sequence[Loss]) -> None:
        """The log no longer held these messages when they were to be landed; told after it."""
        ...

    def resolved(self, resolution: Resolution) -> None: ...
    def parked(self, items: Sequence[ReviewItem]) -> None:
        """For a person to review; told after the commit."""
        ...

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        """Sent from the outbox and acknowledged; after a failure the same ones come again."""
        ...

    def restarted(self, stage: Stage) -> None:
        """Another worker was faster; the batch starts again."""
        ...

    def failed(self, error: Exception, *, pause_seconds: float) -> None:
        """The world failed; the worker waits and tries again."""
        ...

    def turned(self) -> None:
        """A whole turn went well."""
        ...

    def wants_lag(self) -> bool:
        """Asked once a turn: measuring costs a few queries."""
        ...

    def lagging(self, lag: Lag) -> None: ...


class Silent:
    """Nobody listens."""

    def stage(self, stage: Stage) -> AbstractContextManager[None]:  # noqa: ARG002  # an Observer's
        return nullcontext()

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None: ...
    def entered(self, part: Part) -> None: ...
    def polled(self, messages: Sequence[Message]) -> None: ...
    def landed(self, landing: Landing) -> None: ...
    def lost(self, losses: Sequence[Loss]) -> None: ...
    def resolved(self, resolution: Resolution) -> None: ...
    def parked(self, items: Sequence[ReviewItem]) -> None: ...
    def told(self, messages: Sequence[OutgoingMessage]) -> None: ...
    def restarted(self, stage: Stage) -> None: ...
    def failed(self, error: Exception, *, pause_seconds: float) -> None: ...
    def turned(self) -> None: ...
    def wants_lag(self) -> bool:
        return False

    def lagging(self, lag: Lag) -> None: ...


class Several:
    """Everything is told to each, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        with ExitStack() as entered:
            for each in self._observers:
                entered.enter_context(each.stage(stage))
            yield

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None:
        for each in self._observers:
            each.took(stage, seconds, parts)

    def entered(self, part: Part) -> None:
        for each in self._observers:
            each.entered(part)

    def polled(self, messages: Sequence[Message]) -> None:
        for each in self._observers:
            each.polled(messages)

    def landed(self, landing: Landing) -> None:
        for each in self._observers:
            each.landed(landing)

    def lost(self, losses: Sequence[Loss]) -> None:
        for each in self._observers:
            each.lost(losses)

    def resolved(self, resolution: Resolution) -> None:
        for each in self._observers:
            each.resolved(resolution)

    def parked(self, items: Sequence[ReviewItem]) -> None:
        for each in self._observers:
            each.parked(items)

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        for each in self._observers:
            each.told(messages)

    def restarted(self, stage: Stage) -> None:
        for each in self._observers:
            each.restarted(stage)

    def failed(self, error: Exception, *, pause_seconds: float) -> None:
        for each in self._observers:
            each.failed(error, pause_seconds=pause_seconds)

    def turned(self) -> None:
        for each in self._observers:
            each.turned()

    def wants_lag(self) -> bool:
        wants = [each.wants_lag() for each in self._observers]  # each keeps its own time
        return any(wants)

    def lagging(self, lag: Lag) -> None:
        for each in self._observers:
            each.lagging(lag)


class Watched:
    """A transaction whose items for review are remembered until it is known to be committed."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.parked: list[ReviewItem] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a transaction has
        return getattr(self._tx, name)

    def replace_reviews(
        self, components: Sequence[int], items: Sequence[ReviewItem], *, at: Micros
    ) -> Sequence[ReviewItem]:
        new = self._tx.replace_reviews(components, items, at=at)
        self.parked.extend(new)
        return new

    def review(self, items: Sequence[ReviewItem], *, at: Micros) -> None:
        self.parked.extend(items)
        self._tx.review(items, at=at)


class ObservedProducer:
    """A producer that tells what the log has acknowledged."""

    def __init__(self, producer: Producer, observer: Observer) -> None:
        self._producer = producer
        self._observer = observer

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        positions = self._producer.append(messages)
        self._observer.told(messages)
        return positions

    def close(self) -> None:
        self._producer.close()
