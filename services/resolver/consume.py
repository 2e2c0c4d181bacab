"""The one loop: land what was polled, resolve what is dirty, relay the outbox. It alone commits."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.ports import (
    Clock,
    Consumer,
    EventLog,
    Message,
    MessagesLostError,
    Partition,
    Position,
    Producer,
)
from services.identity.store import LostPartition, ResolverStore, RestartBatch, Transaction
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import TOPIC
from services.resolver.backoff import Backoff
from services.resolver.lag import extents, lag_of
from services.resolver.land import Landing
from services.resolver.losses import step_over
from services.resolver.observe import ObservedProducer, Observer, Silent, Stage, Watched
from services.resolver.publish import relay
from services.resolver.quarantine import Quarantine
from services.resolver.resolve.batch import (
    Resolution,
    resolve,
    resolve_layout,
    resolve_set_aside,
)
from services.resolver.standing import Standing
from services.resolver.steward import land_commands, split

GROUP = "resolver"
TOPICS = (TOPIC, IDENTITY_COMMANDS)
RESTARTS_MAX = 3  # tries of one batch before it is halved
Progress = Callable[[int], None]
Pause = Callable[[float], bool]
"""Waits so many seconds; True when told to stop meanwhile."""

PROGRESS_EVERY = 100_000  # microseconds between two notes of how far the worker is


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one turn of the loop takes on."""

    messages_max: int = 500
    marks_max: int = 1_000
    poll_ms: int = 50


class Worker:
    """Lands and resolves. Any number of workers may share one store and one consumer group."""

    def __init__(
        self,
        *,
        store: ResolverStore,
        log: EventLog,
        clock: Clock,
        bounds: Bounds | None = None,
        standing: Standing | None = None,
        observer: Observer | None = None,
        backoff: Backoff | None = None,
        pause: Pause | None = None,
    ) -> None:
        """`standing` may be handed on from a worker that is done: its compiled tools are kept.

        Raises RetryableError when the log or the store cannot be reached.
        """
        self._store = store
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._standing = standing or Standing()
        self._quarantine = Quarantine(store, self._standing)
        self._observer: Observer = observer or Silent()
        self._backoff = backoff or Backoff()
        self._pause: Pause = pause or threading.Event().wait
        self._producer: Producer = ObservedProducer(log.producer(), self._observer)
        self._consumer: Consumer = log.consumer(topics=TOPICS, group=GROUP, start=self._start)
        self._noted: Micros = Micros(0)
        self._landed_at: Micros | None = None
        self._in_hand: frozenset[Partition] = frozenset()  # polled, and not known to be landed

    def _start(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)
        return {p: offsets.get((p.topic, p.index), 0) for p in partitions}

    def close(self) -> None:
        self._consumer.close()
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
        landing = self.land_once(wait=True)
        resolution = self.resolve_once()
        with self._observer.stage(Stage.RELAY):
            sent = relay(self._store, self._producer)
        busy = landing is not None or resolution is not None or sent > 0
        self._note_progress(caught_up=not busy)
        return busy

    def run_until_caught_up(self, progress: Progress | None = None) -> tuple[int, int]:
        """Land the log to its end and resolve until nothing is dirty; messages and marks done."""
        landed = resolved = 0
        while True:
            landing = self.land_once(wait=landed == 0)
            resolution = self.resolve_once()
            landed += landing.messages if landing else 0
            resolved += resolution.marks if resolution else 0
            if progress is not None and resolution is not None:
                progress(resolution.marks)
            if landing is None and resolution is None and self._is_at_end():
                while relay(self._store, self._producer):
                    pass
                self._note_progress(caught_up=True)
                return landed, resolved

    def land_until_end(self, progress: Progress | None = None) -> int:
        """Land the log to its end and leave everything dirty; how many messages that were."""
        landed = 0
        while True:
            landing = self.land_once(wait=True)
            if landing is not None:
                landed += landing.messages
                if progress is not None:
                    progress(landing.messages)
            elif self._is_at_end():
                return landed

    def resolve_until_clean(self) -> int:
        """Resolve until no mark is left for this worker; how many it took."""
        resolved = 0
        while (resolution := self.resolve_once()) is not None:
            resolved += resolution.marks
        return resolved

    def _is_at_end(self) -> bool:
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)
        return _reach(offsets, self._consumer.end_offsets())

    def land_once(self, *, wait: bool) -> Landing | None:
        self._seek_back()
        try:
            with self._observer.stage(Stage.POLL):
                messages = self._consumer.poll(
                    records_max=self._bounds.messages_max,
                    timeout_ms=self._bounds.poll_ms if wait else 0,
                )
        except MessagesLostError as error:
            self._go_on_after(error)
            return None
        if not messages:
            return None
        self._in_hand = frozenset(extents(messages))
        self._observer.polled(messages)
        for _ in range(RESTARTS_MAX):
            try:
                with self._observer.stage(Stage.LAND):
                    landing = self._land(messages)
            except RestartBatch:
                self._observer.restarted(Stage.LAND)
                continue
            except (LostPartition, RetryableError):
                self._seek_back()
                raise RetryableError("landing stopped; it starts again at its offsets") from None
            except Exception as error:  # noqa: BLE001  # raised again unless one message explains it
                self._quarantine.examine(messages, error)
                continue
            self._in_hand = frozenset()
            self._observer.landed(landing)
            return landing
        self._seek_back()
        raise RetryableError("landing met other workers too often")

    def _land(self, messages: Sequence[Message]) -> Landing:
        with self._store.transaction() as tx:
            deriver = self._standing.deriver(tx, tx.sources())
            at = self._clock.now()
            events, commands = split(messages)
            landing = self._quarantine.land(tx, events, deriver=deriver, at=at)
            landing = land_commands(tx, commands, landing, at=at)
            for partition, (first, last) in sorted(extents(messages).items()):
                position = Position(partition, last + 1)
                tx.advance_offset(GROUP, expected=first, position=position)
        self._landed_at = max(message.appended_at for message in messages)
        return landing

    def _go_on_after(self, error: MessagesLostError) -> None:
        """Write down what is gone, and read on from what is left."""
        self._in_hand = frozenset(loss.partition for loss in error.losses)
        try:
            step_over(self._store, GROUP, error.losses, at=self._clock.now())
        except LostPartition:
            raise RetryableError("another worker goes on after the loss") from None
        self._observer.lost(error.losses)
        self._seek_back()

    def _seek_back(self) -> None:
        """Read again what was polled and not landed. What fails here is done by the next call.

        Else a partition to which nothing more is sent would wait for ever.
        """
        if not self._in_hand:
            return
        offsets = self._start(self._in_hand)
        for partition, offset in offsets.items():
            if partition in self._consumer.assignment():
                self._consumer.seek(Position(partition, offset))
        self._in_hand = frozenset()

    def resolve_once(self) -> Resolution | None:
        """One batch of marks; where none is left, one component that was set aside.

        Raises RestartBatch when told to stop while it makes way for other workers.
        """
        marks_max = self._bounds.marks_max
        backoff = Backoff(self._backoff.random)
        while True:
            for _ in range(RESTARTS_MAX):
                try:
                    return self._resolve(marks_max)
                except RestartBatch:
                    self._observer.restarted(Stage.RESOLVE)
            if marks_max == 1 and self._pause(backoff.next_seconds()):
                raise RestartBatch("told to stop while another worker was faster")
            marks_max = max(1, marks_max // 2)

    def _resolve(self, marks_max: int) -> Resolution | None:
        with self._observer.stage(Stage.RESOLVE), self._store.transaction() as tx:
            watched = Watched(tx)
            resolution = self._resolve_in(cast("Transaction", watched), marks_max)
        if resolution is not None:
            self._observer.resolved(resolution)
        if watched.parked:
            self._observer.parked(watched.parked)
        return resolution

    def _resolve_in(self, tx: Transaction, marks_max: int) -> Resolution | None:
        engine, at = self._standing.engine(tx), self._clock.now()
        entered = self._observer.entered
        return (
            resolve(tx, engine, marks_max=marks_max, at=at, entered=entered)
            or resolve_layout(tx, engine, at=at)
            or resolve_set_aside(tx, engine, at=at, entered=entered)
        )

    def _note_progress(self, *, caught_up: bool) -> None:
        now = self._clock.now()
        if now - self._noted < PROGRESS_EVERY:
            return
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)  # first: what is landed later is not spoken of
            pending = tx.oldest_mark()
            if pending is None and not caught_up:
                pending = self._landed_at
            as_of = ",".join(f"{t}:{p}:{o}" for (t, p), o in sorted(offsets.items()))
            tx.set_progress(GROUP, as_of=as_of, pending_since=pending, at=now)
        self._noted = now

    def _measure(self) -> None:
        """How far this worker is behind, when somebody asks."""
        if not self._observer.wants_lag():
            return
        ends, now = self._consumer.end_offsets(), self._clock.now()
        self._observer.lagging(lag_of(self._store, GROUP, ends, landed_at=self._landed_at, at=now))


def is_landed(store: ResolverStore, log: EventLog) -> bool:
    """Whether the log is landed to its end, whoever owns its partitions."""
    ends = {place: end for topic in TOPICS for place, end in log.end_offsets(topic).items()}
    with store.transaction() as tx:
        offsets = tx.next_offsets(GROUP)
    return _reach(offsets, ends)


def is_caught_up(store: ResolverStore, log: EventLog) -> bool:
    """Whether the log is landed to its end and nothing is dirty; asked from outside the worker."""
    return is_landed(store, log) and store.pending_work() == 0


def _reach(offsets: Mapping[tuple[str, int], int], ends: Mapping[Partition, int]) -> bool:
    return all(offsets.get((p.topic, p.index), 0) >= end for p, end in ends.items())
