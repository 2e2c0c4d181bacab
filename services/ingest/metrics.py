"""What ingest counts: events by what became of them, appends and how long the log took."""

import time
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from services.identity.adapters.prometheus import SECONDS, SIZES, Metrics
from services.identity.domain.errors import RejectReason
from services.identity.ports import OutgoingMessage, Position, Producer


class IngestMetrics:
    """Made once a process, beside the HTTP counts that every door has."""

    def __init__(self, http: Metrics) -> None:
        self.http = http
        registry = http.registry
        self._accepted = Counter(
            "plait_ingest_accepted", "Events durable in the log.", registry=registry
        )
        self._refused = Counter(
            "plait_ingest_refused", "Events refused.", ("reason",), registry=registry
        )
        self._failures = Counter(
            "plait_ingest_append_failures", "Appends that failed.", ("error",), registry=registry
        )
        self._seconds = Histogram(
            "plait_ingest_append_seconds",
            "From handing messages to the log until they are durable.",
            buckets=SECONDS,
            registry=registry,
        )
        self._sizes = Histogram(
            "plait_ingest_append_size",
            "Messages of one append.",
            buckets=SIZES,
            registry=registry,
        )

    def accepted(self, count: int) -> None:
        self._accepted.inc(count)

    def refused(self, reason: RejectReason) -> None:
        self._refused.labels(reason.value).inc()

    def timed(self, producer: Producer) -> Producer:
        """The same producer, its appends counted."""
        return _Timed(producer, self)

    def appended(self, count: int, seconds: float) -> None:
        self._sizes.observe(count)
        self._seconds.observe(seconds)

    def failed(self, error: Exception) -> None:
        self._failures.labels(type(error).__name__).inc()


class _Timed:
    def __init__(self, producer: Producer, metrics: IngestMetrics) -> None:
        self._producer = producer
        self._metrics = metrics

    def append(self, messages: Sequence[OutgoingMessage]) -> Sequence[Position]:
        begun = time.perf_counter()
        try:
            positions = self._producer.append(messages)
        except Exception as error:
            self._metrics.failed(error)
            raise
        self._metrics.appended(len(messages), time.perf_counter() - begun)
        return positions

    def close(self) -> None:
        self._producer.close()
