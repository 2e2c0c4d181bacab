"""Spans: from the request through the message into the batch that landed it."""

import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from services.identity.adapters.otel import TRACEPARENT
from services.identity.domain.errors import RetryableError
from services.identity.ports import OutgoingMessage
from services.resolver.consume import Worker
from services.resolver.parts import Part
from services.resolver.spans import LINKS_MAX, Spans
from tests.factories import channel_event, outgoing
from tests.resolver_home import Home
from tests.unit.services.resolver.test_resolver_observe import say, watched

EMAIL = "kate.whitfield@example.org"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


def event(number: int, traceparent: str | None) -> OutgoingMessage:
    message = outgoing(
        channel_event(user_id=f"u-{number}", message_id=f"m-{number}", traits={"email": EMAIL})
    )
    headers = () if traceparent is None else ((TRACEPARENT, traceparent.encode()),)
    return OutgoingMessage(
        topic=message.topic, key=message.key, value=message.value, headers=headers
    )


def parent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def worked(tracer: Tracer, *messages: OutgoingMessage) -> Worker:
    home = Home()
    worker = watched(home, Spans(tracer, wall=time.time_ns))
    say(home, worker, *messages)
    return worker


def named(spans: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = [each for each in spans if each.name == name]
    return found


def test_a_batch_of_one_request_stands_under_it(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    worked(tracer, event(1, parent(7)), event(2, parent(7)))
    spans = exporter.get_finished_spans()
    land, resolve, relay = (named(spans, name) for name in ("land", "resolve", "relay"))
    assert land.parent is not None
    assert (land.parent.trace_id, land.parent.span_id) == (7, 7)
    assert land.attributes is not None
    assert land.attributes["plait.messages"] == 2
    assert resolve.parent == relay.parent == land.context
    inner = [each for each in spans if each.name.startswith("resolve ")]
    assert {each.name for each in inner} == {f"resolve {part}" for part in Part}
    for each in inner:
        assert each.parent == resolve.context
        assert resolve.start_time is not None
        assert resolve.end_time is not None
        assert resolve.start_time <= (each.start_time or 0) <= (each.end_time or 0)
        assert (each.end_time or 0) <= resolve.end_time
    assert EMAIL not in "".join(each.to_json() for each in spans)


def test_a_batch_of_several_requests_is_linked_to_each(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    several = [event(number, parent(number + 1)) for number in range(LINKS_MAX + 3)]
    worked(tracer, *several, event(900, None), event(901, "kate.whitfield@example.org"))
    land = named(exporter.get_finished_spans(), "land")
    assert land.parent is None
    assert len(land.links) == LINKS_MAX
    assert {each.context.trace_id for each in land.links} <= set(range(1, LINKS_MAX + 4))


def test_a_turn_that_finds_nothing_leaves_nothing(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    worker = worked(tracer)
    worker.turn()
    assert exporter.get_finished_spans() == ()
    Spans(tracer, wall=time.time_ns).failed(RetryableError(EMAIL), pause_seconds=1.0)
    (failed,) = exporter.get_finished_spans()
    assert failed.attributes == {"error.type": "RetryableError"}
    assert EMAIL not in failed.to_json()
