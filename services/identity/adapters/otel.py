"""Traces in OpenTelemetry's words: sent where the environment says, and nowhere else.

Spans carry counts, stages, routes and statuses, never what a caller sent: FastAPI's own spans are
off, for they would carry paths and bodies. Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing is made.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from services.identity.adapters.prometheus import App, Receive, Scope, Send, method_of, route_of
from services.identity.domain.errors import UsageError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT_SECONDS_MAX = 2  # a stop waits for the last spans, and has ten seconds
TRACEPARENT = "traceparent"
_FORM = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
_SERVER_FAULT = 500

Headers = tuple[tuple[str, bytes], ...]


def start_tracing(environment: Mapping[str, str]) -> Callable[[], None] | None:
    """Send spans from now on; gives what ends it. None where the environment names no endpoint.

    Everything else is said by OpenTelemetry's own variables (OTEL_SERVICE_NAME, headers, sampler).
    """
    if not environment.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # as above
    except ImportError:
        raise UsageError(f"{ENDPOINT} is set, and traces need the extra plait[otel]") from None
    name = environment.get("OTEL_SERVICE_NAME", "plait")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_SECONDS_MAX)))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def tracer() -> Tracer | None:
    """None where nobody listens: then nothing is to be made."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return None
    return provider.get_tracer("plait")


def context_in(traceparent: str | bytes) -> SpanContext | None:
    """What a W3C traceparent names; None for one that is none. Source: W3C Trace Context, 3.2."""
    text = traceparent.decode("ascii", "replace") if isinstance(traceparent, bytes) else traceparent
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    context = SpanContext(
        trace_id=int(found["trace"], 16),
        span_id=int(found["span"], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found["flags"], 16)),
    )
    return context if context.is_valid else None


def carried(headers: Mapping[str, str]) -> Headers:
    """What a message takes along of its request: our span's place, or the sender's own."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        said = headers.get(TRACEPARENT)
        if said is None or context_in(said) is None:
            return ()
        return ((TRACEPARENT, said.encode()),)
    text = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return ((TRACEPARENT, text.encode()),)


class TraceRequests:
    """ASGI middleware: a span for each request, named by its route, under the caller's own."""

    def __init__(self, app: App, *, tracer: Tracer, service: str) -> None:
        self._app = app
        self._tracer = tracer
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = method_of(scope["method"])
        attributes = {"http.request.method": method, "plait.service": self._service}
        status = _SERVER_FAULT

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.start_as_current_span(
            method,
            context=_parent(scope),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,  # its words may name people
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, noting)
            finally:
                route = route_of(scope)
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                if status >= _SERVER_FAULT:
                    span.set_status(Status(StatusCode.ERROR))


def _parent(scope: Scope) -> Context | None:
    for name, value in scope["headers"]:
        if name == TRACEPARENT.encode():
            context = context_in(value)
            if context is not None:
                return trace.set_span_in_context(trace.NonRecordingSpan(context))
    return None
