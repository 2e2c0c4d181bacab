"""The landing side of a worker: polls, lands and relays, while the other side resolves.

It works in rounds, each asked for, so that it is never far ahead. In turn, in a thread of its own
(`InThread`), or in a process of its own (apart.py): where two cores are there, Python runs on both.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from services.identity.domain.ids import Micros
from services.identity.ports import Partition, Producer
from services.identity.store import ResolverStore
from services.resolver.hand import Resolves
from services.resolver.land import Landing
from services.resolver.lander import Lander
from services.resolver.observe import Observer, Stage
from services.resolver.publish import relay

ROUND = "round"
LAND = "land_once"
IS_AT_END = "is_at_end"
END_OFFSETS = "end_offsets"
ROUNDS_AHEAD_MAX = 2  # one that goes on, and one done or next: neither side waits for the other


class Round(NamedTuple):
    """What one round came to: None where nothing was to be landed, and the letters sent."""

    landing: Landing | None
    sent: int


class LandingSide(Protocol):
    """Asked from one thread. Any call raises what the work raised, RetryableError among it."""

    @property
    def landed_at(self) -> Micros | None:
        """When the latest landed message was appended."""
        ...

    @property
    def rounds_max(self) -> int:
        """How many rounds may be begun and not finished."""
        ...

    @property
    def rounds(self) -> int:
        """How many are."""
        ...

    def begin(self, *, wait: bool) -> None:
        """Start a round, after those begun before; `wait`: for messages, where there are none."""
        ...

    def settle(self) -> None:
        """Return once every round is done, however it ended."""
        ...

    def finish(self) -> Sequence[Round]:
        """What the rounds came to that are done, at least the oldest; waits for that one only.

        The error of a later one is raised by the next call.
        """
        ...

    def land_once(self, *, wait: bool) -> Landing | None: ...
    def is_at_end(self) -> bool:
        """Whether the log is landed to its end."""
        ...

    def end_offsets(self) -> Mapping[Partition, int]: ...
    def close(self) -> None: ...
    @property
    def hand(self) -> Resolves | None:
        """A second hand that works where this side does."""
        ...


class InTurn:
    """Lands when a round begins, and relays when it ends: what was resolved in between, too."""

    requests = frozenset({ROUND, LAND, IS_AT_END, END_OFFSETS})
    hand = None
    rounds_max = 1
    rounds = 0  # between two steps: a round is begun and finished in one

    def __init__(
        self, lander: Lander, *, store: ResolverStore, producer: Producer, observer: Observer
    ) -> None:
        """Closes lander and producer when it is closed."""
        self._lander = lander
        self._store = store
        self._producer = producer
        self._observer = observer
        self._landing: Landing | None = None

    @property
    def landed_at(self) -> Micros | None:
        return self._lander.landed_at

    def begin(self, *, wait: bool) -> None:  # noqa: ARG002  # nothing else could be done meanwhile
        self._landing = self._lander.land_once(wait=True)

    def settle(self) -> None:
        """It is done already."""

    def finish(self) -> Sequence[Round]:
        return [Round(self._landing, self._relay())]

    def round(self, *, wait: bool) -> Round:
        """A whole round at once."""
        return Round(self._lander.land_once(wait=wait), self._relay())

    def _relay(self) -> int:
        with self._observer.stage(Stage.RELAY):
            return relay(self._store, self._producer)

    def land_once(self, *, wait: bool) -> Landing | None:
        return self._lander.land_once(wait=wait)

    def is_at_end(self) -> bool:
        return self._lander.is_at_end()

    def end_offsets(self) -> Mapping[Partition, int]:
        return self._lander.end_offsets()

    def close(self) -> None:
        self._lander.close()
        self._producer.close()


class InThread:
    """Rounds in one thread, over a connection of its own."""

    hand = None
    rounds_max = ROUNDS_AHEAD_MAX

    def __init__(self, side: InTurn) -> None:
        self._side = side
        self._hand = ThreadPoolExecutor(1, "landing")
        self._rounds: deque[Future[Round]] = deque()

    @property
    def landed_at(self) -> Micros | None:
        return self._side.landed_at

    @property
    def rounds(self) -> int:
        return len(self._rounds)

    def begin(self, *, wait: bool) -> None:
        self._rounds.append(self._hand.submit(self._side.round, wait=wait))

    def settle(self) -> None:
        for each in self._rounds:
            each.exception()

    def finish(self) -> Sequence[Round]:
        found = [self._rounds.popleft().result()]
        while self._rounds and self._rounds[0].done() and self._rounds[0].exception() is None:
            found.append(self._rounds.popleft().result())
        return found

    def land_once(self, *, wait: bool) -> Landing | None:
        self.settle()  # a consumer is for one thread at a time
        return self._side.land_once(wait=wait)

    def is_at_end(self) -> bool:
        self.settle()
        return self._side.is_at_end()

    def end_offsets(self) -> Mapping[Partition, int]:
        self.settle()
        return self._side.end_offsets()

    def close(self) -> None:
        self._hand.shutdown()
        self._side.close()


MakeSide = Callable[[Observer], LandingSide]
"""The landing side that tells this observer of its work."""
