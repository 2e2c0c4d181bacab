"""Requests as spans: named by route, under the caller's own, without what was sent."""

import httpx2
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.identity.adapters.otel import (
    TRACEPARENT,
    TraceRequests,
    carried,
    context_in,
    start_tracing,
    tracer,
)

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PERSON = "kate.whitfield@example.org"


def test_without_an_endpoint_nothing_is_made() -> None:
    assert start_tracing({}) is None
    assert tracer() is None


@pytest.mark.parametrize(
    "text", ["", "kate", SENDER.upper(), f"{SENDER}-more", "00-" + "0" * 32 + SENDER[35:]]
)
def test_what_is_no_traceparent_is_left_out(text: str) -> None:
    assert context_in(text) is None
    assert carried({TRACEPARENT: text}) == ()


def test_a_senders_place_travels_where_no_span_is_ours() -> None:
    assert carried({TRACEPARENT: SENDER}) == ((TRACEPARENT, SENDER.encode()),)
    assert carried({}) == ()


async def test_a_request_is_a_span_under_the_callers_own_that_its_messages_take_along() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = FastAPI(telemetry={"tracing": False})
    taken: list[bytes] = []

    @app.get("/v1/profiles/{who}")
    async def read(who: str) -> str:
        taken.extend(value for _, value in carried({}))
        if who == "gone":
            raise ValueError(PERSON)
        return "ok"

    app.add_middleware(TraceRequests, tracer=provider.get_tracer("test"), service="profile_api")
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://example.org") as client:
        await client.get(f"/v1/profiles/{PERSON}?q={PERSON}", headers={TRACEPARENT: SENDER})
        await client.get("/v1/profiles/gone")
        await client.get(f"/{PERSON}")
    first, second, third = exporter.get_finished_spans()
    assert first.name == "GET /v1/profiles/{who}"
    assert first.parent is not None
    assert trace.format_span_id(first.parent.span_id) in SENDER
    assert trace.format_trace_id(first.context.trace_id) in SENDER
    assert context_in(taken[0]) is not None
    assert trace.format_span_id(first.context.span_id).encode() in taken[0]
    assert (second.parent, second.status.status_code) == (None, trace.StatusCode.ERROR)
    assert third.name == "GET none"
    assert PERSON not in "".join(each.to_json() for each in (first, second, third))
