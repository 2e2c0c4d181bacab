"""A worker's work as spans: a batch under the request that it came from, or linked to several.

A span is made when its work is done, from the times that were noted: a turn that finds nothing to
do, or begins again, leaves none.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from services.identity.adapters.otel import TRACEPARENT, context_in
from services.identity.ports import Message, OutgoingMessage
from services.resolver.land import Landing
from services.resolver.observe import Entries, Silent, Stage
from services.resolver.parts import Part
from services.resolver.resolution import Resolution

LINKS_MAX = 64  # of one batch; more would tell nobody more


class _Here(threading.local):
    """What one thread is in: landing may go on beside resolving, one turn ahead of it."""

    def __init__(self) -> None:
        self.senders: list[SpanContext] = []
        self.landed: SpanContext | None = None
        self.stage = Stage.POLL
        self.times = (0, 0)
        self.parts: list[tuple[Part, int]] = []
        self.told = 0


class Spans(Silent):
    """An observer of one worker. `wall` gives nanoseconds since 1970."""

    def __init__(self, tracer: Tracer, *, wall: Callable[[], int]) -> None:
        self._tracer = tracer
        self._wall = wall
        self._here = _Here()
        self._ahead: SpanContext | None = None  # landed in the turn that goes on
        self._before: SpanContext | None = None  # and in the one before it

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self._here.parts.clear()
        self._here.told = 0
        self._enter(stage)
        begun = self._wall()
        yield
        self._gone_through(begun, self._wall())

    def took(self, stage: Stage, seconds: float, parts: Entries = ()) -> None:
        """It ended about now: its reply came at once."""
        self._enter(stage)
        ended = self._wall()
        begun = ended - round(seconds * 1e9)
        self._here.parts = [(part, begun + round(since * 1e9)) for part, since in parts]
        self._gone_through(begun, ended)

    def _enter(self, stage: Stage) -> None:
        self._here.stage = stage
        if stage is Stage.POLL:  # what is done from here on comes from elsewhere
            self._here.landed = None

    def _gone_through(self, begun: int, ended: int) -> None:
        self._here.times = (begun, ended)
        if self._here.told:  # nothing more is said of a relay
            self._make(
                "relay", [self._here.landed or self._before], {"plait.messages": self._here.told}
            )
        self._here.told = 0

    def entered(self, part: Part) -> None:
        self._here.parts.append((part, self._wall()))

    def polled(self, messages: Sequence[Message]) -> None:
        said = {value for each in messages for name, value in each.headers if name == TRACEPARENT}
        found = [context_in(each) for each in sorted(said)[:LINKS_MAX]]
        self._here.senders = [each for each in found if each is not None]

    def landed(self, landing: Landing) -> None:
        counts = {
            "plait.messages": landing.messages,
            "plait.accepted": landing.accepted,
            "plait.copies": landing.copies,
            "plait.refused": landing.refused,
        }
        span = self._make("land", self._here.senders, counts)
        self._here.landed = self._ahead = span.get_span_context()

    def turned(self) -> None:
        self._before, self._ahead = self._ahead, None

    def resolved(self, resolution: Resolution) -> None:
        counts = {
            "plait.marks": resolution.marks,
            "plait.records": resolution.records,
            "plait.pairs": resolution.pairs,
            "plait.profiles": resolution.told.profiles,
        }
        span = self._make("resolve", [self._here.landed or self._before], counts)
        inside = trace.set_span_in_context(span)
        # No part was entered by what only laid out components anew.
        entered = [*self._here.parts, ("end", self._here.times[1])]
        for (part, since), (_, until) in pairwise(entered):
            child = self._tracer.start_span(f"resolve {part}", context=inside, start_time=since)
            child.end(until)

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        self._here.told += len(messages)

    def failed(self, error: Exception, *, pause_seconds: float) -> None:  # noqa: ARG002  # an Observer's
        now = self._wall()
        kind = type(error.__cause__ or error).__name__
        span = self._tracer.start_span(
            f"{self._here.stage} failed", attributes={"error.type": kind}, start_time=now
        )
        span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def _make(
        self, name: str, origins: Sequence[SpanContext | None], counts: dict[str, int]
    ) -> Span:
        """Under what it came from, where that is one; else linked to it."""
        known = [each for each in origins if each is not None]
        alone = trace.NonRecordingSpan(known[0]) if len(known) == 1 else None
        begun, ended = self._here.times
        span = self._tracer.start_span(
            name,
            context=None if alone is None else trace.set_span_in_context(alone),
            kind=SpanKind.CONSUMER if name == "land" else SpanKind.INTERNAL,
            links=[Link(each) for each in known] if alone is None else (),
            attributes=counts,
            start_time=begun,
        )
        span.end(ended)
        return span
