"""The metrics of one process: a registry that somebody owns, and what every HTTP door counts.

Labels are names of ours (service, route template, method, status): never what a caller sent.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
NO_ROUTE = "none"  # one label for all paths that do not exist

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Metrics:
    """Made once a process. Each service adds its own to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "plait_http_requests",
            "Requests answered.",
            ("service", "method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "plait_http_request_seconds",
            "From a request's head to the end of its answer.",
            ("service", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def open_door(self, app: "Routable") -> None:
        """Every service shows them at the same place; nobody needs a key for it."""
        app.add_route("/metrics", Exposition(self), methods=["GET"], include_in_schema=False)


class Routable(Protocol):
    """An application that takes one more route; FastAPI is not known here."""

    def add_route(
        self,
        path: str,
        route: Any,  # noqa: ANN401  # a function or an ASGI application
        methods: list[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,  # noqa: FBT001, FBT002  # Starlette's own
    ) -> None: ...


class Exposition:
    """An ASGI application that shows the metrics, whatever it is asked."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await respond(send, self._metrics.exposition(), media_type=CONTENT_TYPE)


async def respond(
    send: Send,
    body: bytes,
    *,
    status: int = 200,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """One whole answer, for doors without a framework behind them."""
    said = {"content-type": media_type, "content-length": str(len(body)), **(headers or {})}
    lines = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


class CountRequests:
    """ASGI middleware: requests by route and status, with their latency."""

    def __init__(self, app: App, *, metrics: Metrics, service: str) -> None:
        self._app = app
        self._metrics = metrics
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what the server answers when the application raises

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            spent = time.perf_counter() - begun
            route = route_of(scope)
            self._metrics.seconds.labels(self._service, route).observe(spent)
            self._metrics.requests.labels(
                self._service, method_of(scope["method"]), route, status
            ).inc()


def route_of(scope: Scope) -> str:
    """The route that answers, as it is documented; a path of nobody's is not told."""
    route: str = getattr(scope.get("route"), "path_format", NO_ROUTE)
    return route


def method_of(said: str) -> str:
    """A caller may invent methods; a label may not."""
    return said if said in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"} else "other"
