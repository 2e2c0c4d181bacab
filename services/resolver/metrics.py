"""A worker's work as Prometheus metrics. Labels are stages, reasons and types of ours."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.identity.adapters.prometheus import SECONDS, SIZES
from services.identity.domain.errors import RejectReason
from services.identity.ports import Loss, Message, OutgoingMessage
from services.identity.store import ReviewItem
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.resolver.land import Landing
from services.resolver.observe import Entries, Lag, Stage
from services.resolver.parts import Part
from services.resolver.resolution import Resolution

LAG_SECONDS = 10.0  # between two measurements of the lag


class _Here(threading.local):
    """What one thread is in: landing may go on beside resolving."""

    def __init__(self) -> None:
        self.spent: dict[Stage, float] = {}
        self.parts: dict[Part, float] = {}
        self.part: tuple[Part, float] | None = None  # and since when
        self.has_told = False


class _Change(msgspec.Struct):
    type: str


class _Letter(msgspec.Struct):
    reason: RejectReason
    redriven: bool = False


_change = msgspec.json.Decoder(_Change)
_letter = msgspec.json.Decoder(_Letter)


class WorkerMetrics:
    """An observer of one worker. `timer` gives monotonic seconds."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        timer: Callable[[], float],
        lag_seconds: float = LAG_SECONDS,
    ) -> None:
        self._timer = timer
        self._lag_seconds = lag_seconds
        self._lag_at: float | None = None
        self._here = _Here()
        self._declare(registry)

    def _declare(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"plait_resolver_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"plait_resolver_{name}", text, registry=registry)

        self._lag_events = gauge("lag_events", "Messages not landed, of this worker's partitions.")
        self._lag_seconds_now = gauge("lag_seconds", "Age of the oldest work that waits.")
        self._dirty = gauge("dirty_rows", "Dirty marks and components set aside, of all workers.")
        self._messages = counter("messages", "Messages landed.", "outcome")
        self._lost = counter("messages_lost", "Messages removed by retention before landing.")
        self._records = counter("records", "Records touched.", "stage")
        self._pairs = counter("pairs", "Pairs of records weighed.")
        self._profiles = counter("profiles", "Profiles written.")
        self._told = counter("changes_told", "Changes sent and acknowledged.", "type")
        self._letters = counter("dead_letters", "Events refused by landing.", "reason")
        self._reviews = counter("reviews", "Items parked for a person.", "kind")
        self._restarts = counter("restarts", "Batches begun again: another was faster.", "stage")
        self._failures = counter("failures", "Turns that the world made fail.", "error")
        self._seconds = Histogram(
            "plait_resolver_stage_seconds",
            "Time of one batch in a stage.",
            ("stage",),
            buckets=SECONDS,
            registry=registry,
        )
        self._part_seconds = Histogram(
            "plait_resolver_part_seconds",
            "Time of one batch in a part of resolving.",
            ("part",),
            buckets=SECONDS,
            registry=registry,
        )
        self._sizes = Histogram(
            "plait_resolver_batch_size",
            "Messages landed, marks resolved or letters relayed by one batch.",
            ("stage",),
            buckets=SIZES,
            registry=registry,
        )

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """A stage that found nothing to do is not counted, but for the wait of a poll."""
        self._here.has_told = False
        self._here.parts.clear()
        self._here.part = None
        begun = self._timer()
        yield
        self._leave_part()
        self.took(stage, self._timer() - begun)

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None:
        if parts:
            ends = [since for _, since in parts[1:]] + [seconds]
            self._here.parts = dict.fromkeys((part for part, _ in parts), 0.0)
            for (part, since), until in zip(parts, ends, strict=True):
                self._here.parts[part] += until - since
        self._here.spent[stage] = seconds
        if stage is Stage.POLL or (stage is Stage.RELAY and self._here.has_told):
            self._seconds.labels(stage).observe(seconds)
        self._here.has_told = False

    def entered(self, part: Part) -> None:
        self._leave_part()
        self._here.part = (part, self._timer())

    def _leave_part(self) -> None:
        if self._here.part is not None:
            part, since = self._here.part
            self._here.parts[part] = self._here.parts.get(part, 0.0) + self._timer() - since

    def polled(self, messages: Sequence[Message]) -> None:
        """Counted once they are landed."""

    def landed(self, landing: Landing) -> None:
        self._batch(Stage.LAND, landing.messages)
        self._records.labels(Stage.LAND).inc(landing.records)
        self._messages.labels("accepted").inc(landing.accepted)
        self._messages.labels("copy").inc(landing.copies)
        self._messages.labels("refused").inc(landing.refused)

    def lost(self, losses: Sequence[Loss]) -> None:
        self._lost.inc(sum(loss.kept - loss.first for loss in losses))

    def resolved(self, resolution: Resolution) -> None:
        self._batch(Stage.RESOLVE, resolution.marks)
        for part, seconds in self._here.parts.items():
            self._part_seconds.labels(part).observe(seconds)
        self._records.labels(Stage.RESOLVE).inc(resolution.records)
        self._pairs.inc(resolution.pairs)
        self._profiles.inc(resolution.told.profiles)

    def _batch(self, stage: Stage, size: int) -> None:
        self._seconds.labels(stage).observe(self._here.spent.get(stage, 0.0))
        self._sizes.labels(stage).observe(size)

    def parked(self, items: Sequence[ReviewItem]) -> None:
        for each in items:
            self._reviews.labels(each.kind).inc()

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        self._here.has_told = True
        self._sizes.labels(Stage.RELAY).observe(len(messages))
        for kind in kinds_of(messages):
            self._told.labels(kind).inc()
        for reason in reasons_of(messages):
            self._letters.labels(reason).inc()

    def restarted(self, stage: Stage) -> None:
        self._restarts.labels(stage).inc()

    def failed(self, error: Exception, *, pause_seconds: float) -> None:  # noqa: ARG002  # an Observer's
        self._failures.labels(type(error.__cause__ or error).__name__).inc()

    def turned(self) -> None: ...

    def wants_lag(self) -> bool:
        now = self._timer()
        if self._lag_at is not None and now - self._lag_at < self._lag_seconds:
            return False
        self._lag_at = now
        return True

    def lagging(self, lag: Lag) -> None:
        self._lag_events.set(lag.events)
        self._lag_seconds_now.set(lag.seconds)
        self._dirty.set(lag.dirty_rows)


def kinds_of(messages: Sequence[OutgoingMessage]) -> list[str]:
    """The types of the changes among them: `profile.merged`, `segment.entered` and so on."""
    changes = [m for m in messages if m.topic in {PROFILE_CHANGES, SEGMENT_CHANGES} and m.value]
    return [_change.decode(each.value or b"").type for each in changes]


def reasons_of(messages: Sequence[OutgoingMessage]) -> list[str]:
    """Why the dead letters among them were refused; a letter sent again is none."""
    letters = [
        _letter.decode(each.value)
        for each in messages
        if each.topic == DEAD_LETTER_TOPIC and each.value
    ]
    return [each.reason.value for each in letters if not each.redriven]
