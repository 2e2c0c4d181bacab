"""The one loop: land what was polled, resolve what is dirty, relay the outbox. It alone commits.

Landing and relaying may go on beside it, in a thread or a process, while the batch before is
resolved (side.py): as two workers share a home, but never more than two batches ahead. And a second
hand may resolve beside the first (hand.py).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Clock, EventLog
from services.identity.store import ResolverStore, RestartBatch
from services.identity.store_marks import Half
from services.resolver.backoff import Backoff
from services.resolver.hand import Hand, Pause, Resolves, Second
from services.resolver.lag import lag_of
from services.resolver.land import Landing
from services.resolver.lander import GROUP, TOPICS, Lander, reach
from services.resolver.observe import ObservedProducer, Observer, Silent
from services.resolver.resolution import Resolution
from services.resolver.side import InThread, InTurn, LandingSide, MakeSide
from services.resolver.standing import Standing

Progress = Callable[[int], None]

WAITING_PAUSE = 20  # what is too large for a batch rests so many times as long as it worked
PROGRESS_EVERY = 100_000  # microseconds between two notes of how far the worker is


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one turn of the loop takes on.

    From `halves_from` marks on, a second hand takes half of them: of fewer, two batches cost more
    than one.
    """

    messages_max: int = 1_500
    marks_max: int = 3_000
    poll_ms: int = 50
    halves_from: int = 300


class Step(NamedTuple):
    """What a batch came to, and the messages landed and the letters sent meanwhile."""

    landed: int
    resolutions: Sequence[Resolution]
    sent: int

    @property
    def is_still(self) -> bool:
        return not self.landed and not self.resolutions and not self.sent

    @property
    def marks(self) -> int:
        return sum(each.marks for each in self.resolutions)


def landing_on(  # the ports of a landing side
    store: ResolverStore,
    log: EventLog,
    *,
    clock: Clock,
    standing: Standing,
    observer: Observer,
    bounds: Bounds,
) -> InTurn:
    """The side that lands and relays. Raises RetryableError when the log cannot be reached."""
    producer = ObservedProducer(log.producer(), observer)
    lander = Lander(
        store=store,
        log=log,
        clock=clock,
        standing=standing,
        observer=observer,
        messages_max=bounds.messages_max,
        poll_ms=bounds.poll_ms,
    )
    return InTurn(lander, store=store, producer=producer, observer=observer)


class Worker:
    """Lands and resolves. Any number of workers may share one store and one consumer group."""

    def __init__(  # noqa: PLR0913  # its ports, and what tests replace
        self,
        *,
        store: ResolverStore,
        log: EventLog | None = None,
        clock: Clock,
        beside: ResolverStore | None = None,
        second: Resolves | None = None,
        landing: MakeSide | None = None,
        bounds: Bounds | None = None,
        standing: Standing | None = None,
        observer: Observer | None = None,
        backoff: Backoff | None = None,
        pause: Pause | None = None,
    ) -> None:
        """`standing` may be handed on from a worker that is done: its compiled tools are kept.

        `landing` makes the side that lands; without it it is made on `log`, and with `beside`,
        another connection to the same store, in a thread of its own. A `second` hand takes half of
        large batches, or the one that is where landing is. Raises RetryableError when the log or
        the store cannot be reached.
        """
        self._store = store
        self._clock = clock
        self._bounds = bounds or Bounds()
        standing = standing or Standing()
        self._standing = standing
        self._observer: Observer = observer or Silent()
        self._backoff = backoff or Backoff()
        self._hand = Hand(
            store,
            clock=clock,
            standing=standing,
            observer=self._observer,
            marks_max=self._bounds.marks_max,
            backoff=self._backoff,
        )
        self._in_halves = False
        self._pause: Pause = pause or threading.Event().wait
        self._noted: Micros = Micros(0)
        self._waits_until: Micros = Micros(0)  # before, nothing too large for a batch is begun
        self._is_idle = True  # the round before found nothing: the log may be waited for
        if landing is not None:
            self.side = landing(self._observer)
        elif log is not None:
            self.side = self._landing_on(log, beside)
        else:
            raise TypeError("a worker needs a log, or a side that lands")
        hand = second or self.side.hand
        self._second = Second(hand) if hand is not None else None

    def _landing_on(self, log: EventLog, beside: ResolverStore | None) -> LandingSide:
        side = landing_on(
            beside or self._store,
            log,
            clock=self._clock,
            standing=self._standing if beside is None else self._standing.another(),
            observer=self._observer,
            bounds=self._bounds,
        )
        return side if beside is None else InThread(side)

    def close(self) -> None:
        if self._second is not None:
            self._second.close()
        self.side.close()

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop. A world that fails is waited for, with growing pauses.

        Nothing is skipped meanwhile: offsets move only in the transaction that landed the events.
        """
        self._pause = stop.wait
        while not stop.is_set():
            try:
                self.turn()
                self._measure()
            except (RetryableError, RestartBatch) as error:
                pause = self._backoff.next_seconds()
                self._observer.failed(error, pause_seconds=pause)
                stop.wait(pause)
            else:
                self._backoff.reset()
                self._observer.turned()

    def turn(self) -> bool:
        """One round; True when there was anything to do."""
        step = self._step()
        busy = not step.is_still
        if not busy and self._clock.now() >= self._waits_until:
            begun = self._clock.now()
            busy = self.resolve_once() is not None
            now = self._clock.now()
            self._waits_until = Micros(now + (now - begun) * WAITING_PAUSE)
        self._note_progress(caught_up=not busy)
        return busy

    def _step(self) -> Step:
        """Resolve what landed before while the next batches land."""
        for _ in range(self.side.rounds, self.side.rounds_max):
            self.side.begin(wait=self._is_idle)
        try:
            resolutions = self._resolve_beside()
            rounds = self.side.finish()
        except BaseException:
            self._settle()  # nothing goes on behind the back of who handles an error
            raise
        landed = sum(each.landing.messages for each in rounds if each.landing is not None)
        self._is_idle = not landed and not resolutions
        return Step(landed, resolutions, sum(each.sent for each in rounds))

    def _settle(self) -> None:
        self.side.settle()
        if self._second is not None:
            self._second.settle()

    def _resolve_beside(self) -> Sequence[Resolution]:
        """One batch; where the one before was large, of half the marks, beside the second hand's.

        What the second hand came to is told when it is done: at the latest when nothing else is.
        """
        second = self._second
        if second is None:
            mine = self._hand.resolve_once(pause=self._pause, waiting=False)
            return [] if mine is None else [mine]
        half = Half.EVEN if self._in_halves else None
        if half is not None:
            second.begin(pause=self._pause, half=Half.ODD)
        mine = self._hand.resolve_once(pause=self._pause, waiting=False, half=half)
        marks = 0 if mine is None else mine.marks
        self._in_halves = marks * (1 if half is None else 2) >= self._bounds.halves_from
        theirs = second.finish(wait=mine is None)
        return [each for each in (mine, theirs) if each is not None]

    def run_until_caught_up(self, progress: Progress | None = None) -> tuple[int, int]:
        """Land the log to its end and resolve until nothing is dirty; messages and marks done."""
        landed = resolved = still = 0
        while True:
            step = self._step()
            if not step.landed and not step.resolutions:
                found = self.resolve_once()
                step = step._replace(resolutions=[found] if found else [])
            landed += step.landed
            resolved += step.marks
            if progress is not None and step.resolutions:
                progress(step.marks)
            still = still + 1 if step.is_still and self.side.is_at_end() else 0
            if still == self.side.rounds_max:  # the rounds begun before the end came to nothing
                self._note_progress(caught_up=True)
                return landed, resolved

    def land_once(self, *, wait: bool) -> Landing | None:
        return self.side.land_once(wait=wait)

    def land_until_end(self, progress: Progress | None = None) -> int:
        """Land the log to its end and leave everything dirty; how many messages that were."""
        landed = 0
        while True:
            landing = self.land_once(wait=True)
            if landing is not None:
                landed += landing.messages
                if progress is not None:
                    progress(landing.messages)
            elif self.side.is_at_end():
                return landed

    def resolve_until_clean(self) -> int:
        """Resolve until no mark is left for this worker; how many it took."""
        resolved = 0
        while (resolution := self.resolve_once()) is not None:
            resolved += resolution.marks
        return resolved

    def resolve_once(self, *, waiting: bool = True) -> Resolution | None:
        """As a hand does it; see hand.py."""
        return self._hand.resolve_once(pause=self._pause, waiting=waiting)

    def _note_progress(self, *, caught_up: bool) -> None:
        now = self._clock.now()
        if now - self._noted < PROGRESS_EVERY:
            return
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)  # first: what is landed later is not spoken of
            pending = tx.oldest_mark()
            if pending is None and not caught_up:
                pending = self.side.landed_at
            as_of = ",".join(f"{t}:{p}:{o}" for (t, p), o in sorted(offsets.items()))
            tx.set_progress(GROUP, as_of=as_of, pending_since=pending, at=now)
        self._noted = now

    def _measure(self) -> None:
        """How far this worker is behind, when somebody asks."""
        if not self._observer.wants_lag():
            return
        ends, now = self.side.end_offsets(), self._clock.now()
        self._observer.lagging(
            lag_of(self._store, GROUP, ends, landed_at=self.side.landed_at, at=now)
        )


def is_landed(store: ResolverStore, log: EventLog) -> bool:
    """Whether the log is landed to its end, whoever owns its partitions."""
    ends = {place: end for topic in TOPICS for place, end in log.end_offsets(topic).items()}
    with store.transaction() as tx:
        offsets = tx.next_offsets(GROUP)
    return reach(offsets, ends)


def is_caught_up(store: ResolverStore, log: EventLog) -> bool:
    """Whether the log is landed to its end and nothing is dirty; asked from outside the worker."""
    return is_landed(store, log) and store.pending_work() == 0
