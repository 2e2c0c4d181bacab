"""The services put together on a home: each with the adapters that it stands on."""

import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.cli.heap import settle
from services.cli.home import Home
from services.cli.workers import worker_on
from services.identity.adapters import otel
from services.identity.adapters.prometheus import Metrics
from services.identity.domain.errors import RetryableError
from services.identity.wire.events import TOPIC

if TYPE_CHECKING:  # a service's own libraries are not installed where only another one runs
    from fastapi import FastAPI

    from services.resolver.backoff import Backoff
    from services.resolver.explaining.explainer import Explainer
    from services.resolver.pulse import Pulse
    from services.resolver.stewarding import Stewards


@contextmanager
def ingest_app(home: Home, metrics: Metrics) -> Iterator["FastAPI"]:
    """With the log and the database that it uses, until the block ends."""
    from services.identity.adapters.sql.sources import SqlSources
    from services.ingest.app import create_app
    from services.ingest.metrics import IngestMetrics
    from services.ingest.settings import IngestSettings

    with ExitStack() as parts:
        log = home.log()
        parts.callback(log.close)
        producer = log.producer()
        parts.callback(producer.close)
        sources = SqlSources(home.url)
        parts.callback(sources.close)
        app = create_app(
            IngestSettings(),
            producer,
            sources,
            home.clock,
            ask_log=lambda: log.end_offsets(TOPIC),
            metrics=IngestMetrics(metrics),
        )
        yield _traced(app, "ingest")


def api_app(home: Home, metrics: Metrics | None = None) -> "FastAPI":
    from services.identity.adapters.sql.appends import SqlDecisionLog
    from services.identity.adapters.sql.async_pool import AsyncPool
    from services.identity.adapters.sql.reads import SqlReads
    from services.profile_api.app import create_app
    from services.profile_api.settings import ProfileApiSettings
    from services.resolver.explaining.answering import AnsweringExplainer
    from services.resolver.steward_thread import AnsweringSteward

    pool = AsyncPool(home.url)
    app = create_app(
        ProfileApiSettings(key_pepper=SecretStr(home.pepper())),
        SqlReads(pool),
        SqlDecisionLog(pool),
        home.clock,
        random=os.urandom,
        metrics=metrics,
        explainer=AnsweringExplainer(lambda: _explainer(home)),
        steward=AnsweringSteward(lambda: _stewards(home)),
    )
    return _traced(app, "profile_api")


def _traced(app: "FastAPI", service: str) -> "FastAPI":
    """Where somebody listens, every request leaves a span."""
    tracer = otel.tracer()
    if tracer is not None:
        app.add_middleware(otel.TraceRequests, tracer=tracer, service=service)
    return app


def _stewards(home: Home) -> "Stewards":
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.stewarding import Stewards

    return Stewards(SqlStore(home.url), home.log().producer())


def _explainer(home: Home) -> "Explainer":
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.explaining.explainer import Explainer

    return Explainer(SqlStore(home.url))


def resolver_app(pulse: "Pulse", metrics: Metrics) -> "FastAPI":
    from services.resolver.door import create_app

    return create_app(pulse.check, metrics)


def new_pulse() -> "Pulse":
    from services.resolver.pulse import Pulse

    return Pulse(timer=time.monotonic)


def work(
    home: Home, stop: Event, pulse: "Pulse", metrics: Metrics, *, is_alone: bool = False
) -> None:
    """Land, resolve and relay until told to stop; whatever is away is waited for.

    `is_alone`: this process serves nothing else.
    """
    from services.resolver.journal import Journal
    from services.resolver.metrics import WorkerMetrics
    from services.resolver.observe import Observer, Several
    from services.resolver.spans import Spans

    observers: list[Observer] = [
        pulse,
        WorkerMetrics(metrics.registry, timer=time.monotonic),
        Journal(logging.getLogger("plait.resolver")),
    ]
    tracer = otel.tracer()
    if tracer is not None:
        observers.append(Spans(tracer, wall=time.time_ns))
    observer = Several(*observers)
    backoff = new_backoff()
    settle()
    while not stop.is_set():
        try:
            with worker_on(home, observer=observer, backoff=backoff, is_alone=is_alone) as worker:
                worker.run(stop)
        except RetryableError as error:  # the log or the store is away before the first turn
            pause = backoff.next_seconds()
            observer.failed(error, pause_seconds=pause)
            stop.wait(pause)


def new_backoff() -> "Backoff":
    from services.resolver.backoff import Backoff

    return Backoff(random.random)  # several workers must not come back at once


def open_home(
    make: Callable[[], Home], stop: Event, log: logging.Logger, *, needs_log: bool
) -> Home | None:
    """The home, once its database can be reached, and its log; None when told to stop before."""
    backoff = new_backoff()
    while not stop.is_set():
        try:
            home = make()
            if needs_log:
                home.log().close()
        except RetryableError as error:
            pause = backoff.next_seconds()
            log.warning(
                "waiting for the database and the log",
                extra={"error": str(error), "pause_seconds": round(pause, 2)},
            )
            stop.wait(pause)
        else:
            return home
    return None
