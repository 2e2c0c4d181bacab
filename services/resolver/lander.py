"""The half of a worker that reads the log: polls, and lands what was polled with its offsets."""

from collections.abc import Mapping, Sequence

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
)
from services.identity.store import LostPartition, ResolverStore, RestartBatch, Transaction
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import TOPIC
from services.resolver.lag import extents
from services.resolver.land import Landing
from services.resolver.losses import step_over
from services.resolver.observe import Observer, Stage
from services.resolver.quarantine import Quarantine
from services.resolver.standing import Standing
from services.resolver.steward import land_commands, split

GROUP = "resolver"
TOPICS = (TOPIC, IDENTITY_COMMANDS)
RESTARTS_MAX = 3  # tries of one batch before it is given up for now


class Lander:
    """Lands batch by batch. Not for two threads at once; `standing` is its own."""

    def __init__(
        self,
        *,
        store: ResolverStore,
        log: EventLog,
        clock: Clock,
        standing: Standing,
        observer: Observer,
        messages_max: int,
        poll_ms: int,
    ) -> None:
        """Raises RetryableError when the log or the store cannot be reached."""
        self._store = store
        self._clock = clock
        self._standing = standing
        self._observer = observer
        self._messages_max = messages_max
        self._poll_ms = poll_ms
        self._quarantine = Quarantine(store, standing)
        self._in_hand: frozenset[Partition] = frozenset()  # polled, and not known to be landed
        self._stored: dict[Partition, int] = {}  # offsets as last read, or moved by this worker
        self.landed_at: Micros | None = None
        """When the latest landed message was appended."""
        self._consumer: Consumer = log.consumer(topics=TOPICS, group=GROUP, start=self._start)

    def close(self) -> None:
        self._consumer.close()

    def end_offsets(self) -> Mapping[Partition, int]:
        return self._consumer.end_offsets()

    def land_once(self, *, wait: bool) -> Landing | None:
        self._seek_back()
        try:
            with self._observer.stage(Stage.POLL):
                messages = self._consumer.poll(
                    records_max=self._messages_max,
                    timeout_ms=self._poll_ms if wait else 0,
                )
        except MessagesLostError as error:
            self._go_on_after(error)
            return None
        except Exception:
            self._in_hand = self._consumer.assignment()  # a batch may have got lost on its way
            raise
        if not messages:
            if wait:  # there is time for it, and nobody is at an end before
                self._pass_by()
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

    def is_at_end(self) -> bool:
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)
        return reach(offsets, self._consumer.end_offsets())

    def _start(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        with self._store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)
        starts = {p: offsets.get((p.topic, p.index), 0) for p in partitions}
        self._stored |= starts
        return starts

    def _land(self, messages: Sequence[Message]) -> Landing:
        with self._store.transaction() as tx:
            deriver = self._standing.deriver(tx, tx.sources())
            at = self._clock.now()
            events, commands = split(messages)
            landing = self._quarantine.land(tx, events, deriver=deriver, at=at)
            landing = land_commands(tx, commands, landing, at=at)
            reached = {partition: last + 1 for partition, (_, last) in extents(messages).items()}
            self._advance(tx, reached, expected=self._expected(messages))
        self._stored |= reached
        self.landed_at = max(message.appended_at for message in messages)
        return landing

    def _expected(self, messages: Sequence[Message]) -> dict[Partition, int]:
        """Where the database must stand: before the messages, and before any hole before them.

        Raises LostPartition for what was read from before there: it is landed already.
        """
        expected: dict[Partition, int] = {}
        for partition, (first, _) in extents(messages).items():
            expected[partition] = self._stored.get(partition, first)
            if first < expected[partition]:
                raise LostPartition(f"{partition.topic}/{partition.index} was read from too early")
        return expected

    @staticmethod
    def _advance(
        tx: Transaction, reached: Mapping[Partition, int], *, expected: Mapping[Partition, int]
    ) -> None:
        moves = [(expected[p], Position(p, offset)) for p, offset in sorted(reached.items())]
        tx.advance_offsets(GROUP, moves)

    def _pass_by(self) -> None:
        """Move offsets past a hole at the end of what there is: else the end is never reached.

        A hole is what never was a message of ours. What was one and is gone raises in the poll.
        """
        positions = self._consumer.positions()
        holes = {p: at for p, at in positions.items() if at > self._stored.get(p, at)}
        if not holes:
            return
        try:
            with self._store.transaction() as tx:
                self._advance(tx, holes, expected=self._stored)
        except (LostPartition, RetryableError):
            self._in_hand = frozenset(holes)
            raise RetryableError("landing stopped; it starts again at its offsets") from None
        self._stored |= holes

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


def reach(offsets: Mapping[tuple[str, int], int], ends: Mapping[Partition, int]) -> bool:
    """Whether these offsets, by topic and partition, are at the ends."""
    return all(offsets.get((p.topic, p.index), 0) >= end for p, end in ends.items())
