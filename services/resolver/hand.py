"""One hand that resolves: batch by batch over one connection, again where another was faster.

A worker may have a second one (`Second`), which works while the first one does. To the store they
are two workers; of the marks each takes a half.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, cast

from services.identity.domain.errors import RetryableError
from services.identity.ports import Clock
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.store_marks import Half
from services.resolver.backoff import Backoff
from services.resolver.lander import RESTARTS_MAX
from services.resolver.observe import Observer, Stage, Watched
from services.resolver.resolution import Resolution
from services.resolver.resolve.batch import resolve, resolve_layout, resolve_set_aside
from services.resolver.resolve.burden import BurdenTooLargeError, Pace
from services.resolver.standing import Standing

LOOKS_MAX = 8  # batches of the first hand during one of the second
LEAVING_MAX = 3  # batches in a row that leave marks to a later one; the next one waits for them
Pause = Callable[[float], bool]
"""Waits so many seconds; True when told to stop meanwhile."""


class Resolves(Protocol):
    """A hand, here or in another process."""

    def resolve_once(
        self, *, pause: Pause, waiting: bool = True, half: Half | None = None
    ) -> Resolution | None: ...


class Hand:
    """Not for two threads at once; `standing` is its own."""

    def __init__(
        self,
        store: ResolverStore,
        *,
        clock: Clock,
        standing: Standing,
        observer: Observer,
        marks_max: int,
        backoff: Backoff,
    ) -> None:
        self._store = store
        self._clock = clock
        self._standing = standing
        self._observer = observer
        self._pace = Pace(marks_max)
        self._backoff = backoff
        self._leaving = 0

    def resolve_once(
        self, *, pause: Pause, waiting: bool = True, half: Half | None = None
    ) -> Resolution | None:
        """One batch of marks; where none is left, and if `waiting`, what is too large for one.

        Raises RestartBatch when told to stop while it makes way for other workers.
        """
        marks_max = self._pace.marks
        backoff = Backoff(self._backoff.random)
        while True:
            for _ in range(RESTARTS_MAX):
                try:
                    return self._resolve(marks_max, waiting=waiting, half=half)
                except BurdenTooLargeError as error:
                    self._pace.too_much(error)
                except RestartBatch:
                    self._observer.restarted(Stage.RESOLVE)
            if marks_max == 1 and pause(backoff.next_seconds()):
                raise RestartBatch("told to stop while another worker was faster")
            marks_max = max(1, marks_max // 2)

    def _resolve(self, marks_max: int, *, waiting: bool, half: Half | None) -> Resolution | None:
        with self._observer.stage(Stage.RESOLVE), self._store.transaction() as tx:
            watched = Watched(tx)
            resolution = self._resolve_in(
                cast("Transaction", watched), marks_max, waiting=waiting, half=half
            )
        self._pace.resolved(
            resolution.burden if resolution else 0, marks=resolution.marks if resolution else 0
        )
        if resolution is not None:
            self._leaving = self._leaving + 1 if resolution.left else 0
            self._observer.resolved(resolution)
        if watched.parked:
            self._observer.parked(watched.parked)
        return resolution

    def _resolve_in(
        self, tx: Transaction, marks_max: int, *, waiting: bool, half: Half | None
    ) -> Resolution | None:
        engine, at = self._standing.engine(tx), self._clock.now()
        entered = self._observer.entered
        resolution = resolve(
            tx,
            engine,
            marks_max=marks_max,
            half=half,
            at=at,
            only=self._pace.only,
            near_max=self._pace.near_max,
            leaves=self._leaving < LEAVING_MAX,
            entered=entered,
        )
        if resolution is not None or not waiting:
            return resolution
        return resolve_layout(tx, engine, at=at) or resolve_set_aside(
            tx, engine, at=at, entered=entered
        )


class Second:
    """A hand asked from a thread, which works while the first one does."""

    def __init__(self, hand: Resolves) -> None:
        self._hand = hand
        self._thread = ThreadPoolExecutor(1, "resolving")
        self._work: Future[Resolution | None] | None = None
        self._looks = 0

    def begin(self, *, pause: Pause, half: Half) -> None:
        """A batch, where the one before has been told of."""
        if self._work is None:
            self._looks = 0
            self._work = self._thread.submit(
                self._hand.resolve_once, pause=pause, waiting=False, half=half
            )

    def finish(self, *, wait: bool) -> Resolution | None:
        """What its batch came to; None while it goes on. Raises what it raised.

        Waits for its end if told to, and when it has been looked for `LOOKS_MAX` times: neither
        hand is far ahead of the other, and a worker whose second hand hangs is not ready.
        """
        if self._work is None:
            return None
        self._looks += 1
        if not (wait or self._looks >= LOOKS_MAX or self._work.done()):
            return None
        work, self._work = self._work, None
        return work.result()

    def settle(self) -> None:
        """Return once it is done. That the world failed it, too, is known by then."""
        if self._work is not None and isinstance(
            self._work.exception(), RetryableError | RestartBatch
        ):
            self._work = None

    def close(self) -> None:
        self._thread.shutdown()
