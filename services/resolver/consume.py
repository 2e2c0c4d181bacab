"""The one loop: land what was polled, resolve what is dirty, relay the outbox. It alone commits.

With a second store landing and relaying go on in a thread while the batch before is resolved: as
two workers share a home, but never more than one batch ahead.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, cast

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import Clock, EventLog, Producer
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.resolver.backoff import Backoff
from services.resolver.lag import lag_of
from services.resolver.land import Landing
from services.resolver.lander import GROUP, RESTARTS_MAX, TOPICS, Lander, reach
from services.resolver.observe import ObservedProducer, Observer, Silent, Stage, Watched
from services.resolver.publish import relay
from services.resolver.resolution import Resolution
from services.resolver.resolve.batch import (
    resolve,
    resolve_layout,
    resolve_set_aside,
)
from services.resolver.standing import Standing

Progress = Callable[[int], None]
Pause = Callable[[float], bool]
"""Waits so many seconds; True when told to stop meanwhile."""

WAITING_PAUSE = 20  # what is too large for a batch rests so many times as long as it worked
PROGRESS_EVERY = 100_000  # microseconds between two notes of how far the worker is


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one turn of the loop takes on."""

    messages_max: int = 500
    marks_max: int = 1_000
    poll_ms: int = 50


class Step(NamedTuple):
    """What one round came to; None where there was nothing."""

    landing: Landing | None
    resolution: Resolution | None
    sent: int


class Worker:
    """Lands and resolves. Any number of workers may share one store and one consumer group."""

    def __init__(  # noqa: PLR0913  # its ports, and what tests replace
        self,
        *,
        store: ResolverStore,
        log: EventLog,
        clock: Clock,
        beside: ResolverStore | None = None,
        bounds: Bounds | None = None,
        standing: Standing | None = None,
        observer: Observer | None = None,
        backoff: Backoff | None = None,
        pause: Pause | None = None,
    ) -> None:
        """`standing` may be handed on from a worker that is done: its compiled tools are kept.

        `beside` is another connection to the same store, for landing in a thread of its own.
        Raises RetryableError when the log or the store cannot be reached.
        """
        self._store = store
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._standing = standing or Standing()
        self._observer: Observer = observer or Silent()
        self._backoff = backoff or Backoff()
        self._pause: Pause = pause or threading.Event().wait
        self._producer: Producer = ObservedProducer(log.producer(), self._observer)
        self._noted: Micros = Micros(0)
        self._waits_until: Micros = Micros(0)  # before, nothing too large for a batch is begun
        self._is_idle = True  # the round before found nothing: the log may be waited for
        self._relaying = beside or store
        self._hand = None if beside is None else ThreadPoolExecutor(1, "landing")
        self._lander = Lander(
            store=beside or store,
            log=log,
            clock=clock,
            standing=self._standing if beside is None else self._standing.another(),
            observer=self._observer,
            messages_max=self._bounds.messages_max,
            poll_ms=self._bounds.poll_ms,
        )

    def close(self) -> None:
        if self._hand is not None:
            self._hand.shutdown()
        self._lander.close()
        self._producer.close()

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
        busy = step.landing is not None or step.resolution is not None or step.sent > 0
        if not busy and self._clock.now() >= self._waits_until:
            begun = self._clock.now()
            busy = self.resolve_once() is not None
            now = self._clock.now()
            self._waits_until = Micros(now + (now - begun) * WAITING_PAUSE)
        self._note_progress(caught_up=not busy)
        return busy

    def _step(self) -> Step:
        """Land, resolve, relay; or resolve what landed before while the next batch lands."""
        wait = self._is_idle
        if self._hand is None:
            landing = self._lander.land_once(wait=True)
            resolution = self.resolve_once(waiting=False)
            return Step(landing, resolution, self._relay())
        ahead = self._hand.submit(self._land_and_relay, wait=wait)
        try:
            resolution = self.resolve_once(waiting=False)
        finally:
            ahead.exception()  # nothing goes on behind the back of who handles an error
        landing, sent = ahead.result()
        self._is_idle = landing is None and resolution is None
        return Step(landing, resolution, sent)

    def _land_and_relay(self, *, wait: bool) -> tuple[Landing | None, int]:
        return self._lander.land_once(wait=wait), self._relay()

    def _relay(self) -> int:
        with self._observer.stage(Stage.RELAY):
            return relay(self._relaying, self._producer)

    def run_until_caught_up(self, progress: Progress | None = None) -> tuple[int, int]:
        """Land the log to its end and resolve until nothing is dirty; messages and marks done."""
        landed = resolved = 0
        while True:
            landing, resolution, sent = self._step()
            if landing is None and resolution is None:
                resolution = self.resolve_once()
            landed += landing.messages if landing else 0
            resolved += resolution.marks if resolution else 0
            if progress is not None and resolution is not None:
                progress(resolution.marks)
            if landing is None and resolution is None and not sent and self._lander.is_at_end():
                self._note_progress(caught_up=True)
                return landed, resolved

    def land_once(self, *, wait: bool) -> Landing | None:
        return self._lander.land_once(wait=wait)

    def land_until_end(self, progress: Progress | None = None) -> int:
        """Land the log to its end and leave everything dirty; how many messages that were."""
        landed = 0
        while True:
            landing = self.land_once(wait=True)
            if landing is not None:
                landed += landing.messages
                if progress is not None:
                    progress(landing.messages)
            elif self._lander.is_at_end():
                return landed

    def resolve_until_clean(self) -> int:
        """Resolve until no mark is left for this worker; how many it took."""
        resolved = 0
        while (resolution := self.resolve_once()) is not None:
            resolved += resolution.marks
        return resolved

    def resolve_once(self, *, waiting: bool = True) -> Resolution | None:
        """One batch of marks; where none is left, and if `waiting`, what is too large for one.

        Raises RestartBatch when told to stop while it makes way for other workers.
        """
        marks_max = self._bounds.marks_max
        backoff = Backoff(self._backoff.random)
        while True:
            for _ in range(RESTARTS_MAX):
                try:
                    return self._resolve(marks_max, waiting=waiting)
                except RestartBatch:
                    self._observer.restarted(Stage.RESOLVE)
            if marks_max == 1 and self._pause(backoff.next_seconds()):
                raise RestartBatch("told to stop while another worker was faster")
            marks_max = max(1, marks_max // 2)

    def _resolve(self, marks_max: int, *, waiting: bool) -> Resolution | None:
        with self._observer.stage(Stage.RESOLVE), self._store.transaction() as tx:
            watched = Watched(tx)
            resolution = self._resolve_in(cast("Transaction", watched), marks_max, waiting=waiting)
        if resolution is not None:
            self._observer.resolved(resolution)
        if watched.parked:
            self._observer.parked(watched.parked)
        return resolution

    def _resolve_in(self, tx: Transaction, marks_max: int, *, waiting: bool) -> Resolution | None:
        engine, at = self._standing.engine(tx), self._clock.now()
        entered = self._observer.entered
        resolution = resolve(tx, engine, marks_max=marks_max, at=at, entered=entered)
        if resolution is not None or not waiting:
            return resolution
        return resolve_layout(tx, engine, at=at) or resolve_set_aside(
            tx, engine, at=at, entered=entered
        )

    def _note_progress(self, *, caught_up: bool) -> None:
        now = self._clock.now()
        if now - self._noted < PROGRESS_EVERY:
            return
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)  # first: what is landed later is not spoken of
            pending = tx.oldest_mark()
            if pending is None and not caught_up:
                pending = self._lander.landed_at
            as_of = ",".join(f"{t}:{p}:{o}" for (t, p), o in sorted(offsets.items()))
            tx.set_progress(GROUP, as_of=as_of, pending_since=pending, at=now)
        self._noted = now

    def _measure(self) -> None:
        """How far this worker is behind, when somebody asks."""
        if not self._observer.wants_lag():
            return
        ends, now = self._lander.end_offsets(), self._clock.now()
        self._observer.lagging(
            lag_of(self._store, GROUP, ends, landed_at=self._lander.landed_at, at=now)
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
