"""One home on two event logs in turn, and their figures side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.cli.home import Home
from services.identity.adapters.sql.store import SqlStore
from services.identity.ports import EventLog, Position
from services.identity.store import ResolverStore
from services.resolver.lander import GROUP, TOPICS

EMBEDDED = "embedded"
KAFKA = "kafka"
# CDC's RecordLinker (CDCgov/RecordLinker), the nearest open product: what it was seen to link on a
# machine of this kind. It is not run here.
RECORD_LINKER_PER_SECOND = (63, 83)
MEASURED_ELSEWHERE = "measured elsewhere, on a machine of this kind; not in this run"
_PER_SECOND = "messages_per_second"
_DRAINED = {
    "new records/s, batches of 1,500": "new_records_in_batches_of_1500",
    "new records/s, batches of 100": "new_records_in_batches_of_100",
    "new records/s, batches of 10": "new_records_in_batches_of_10",
    "mixed stream, events/s": "mixed_stream_in_batches_of_1500",
}
_LARGEST = next(iter(_DRAINED.values()))

Figures = Mapping[str, Mapping[str, Any]]


class TwoLogs:
    """Nothing may wait in the log that is left: what is in the other one by then is not read."""

    def __init__(self, home: Home, bootstrap_servers: str) -> None:
        self._home = home
        self._bootstrap_servers = bootstrap_servers

    def use(self, name: str) -> None:
        if name == KAFKA:
            self._home.use_kafka(self._bootstrap_servers)
        else:
            self._home.use_embedded_log()
        log, store = self._home.log(), SqlStore(self._home.url)
        try:
            go_on_from_the_end(store, log)
        finally:
            store.close()
            log.close()


def go_on_from_the_end(store: ResolverStore, log: EventLog) -> None:
    """Whatever offsets were kept: they may be those of another log with topics of these names."""
    ends = {place: end for topic in TOPICS for place, end in log.end_offsets(topic).items()}
    with store.transaction() as tx:
        before = tx.next_offsets(GROUP)
        moves = [
            (before.get((place.topic, place.index), 0), Position(place, end))
            for place, end in sorted(ends.items())
        ]
        tx.advance_offsets(GROUP, moves)


def side_by_side(embedded: Figures, kafka: Figures) -> dict[str, dict[str, Any]]:
    """A row a figure: on both logs, and the second by the first."""
    found: dict[str, dict[str, Any]] = {
        title: _row(first, second) for title, first, second in _pairs(embedded, kafka)
    }
    low, high = RECORD_LINKER_PER_SECOND
    found["CDC RecordLinker, records/s"] = {
        "low": low,
        "high": high,
        "where": MEASURED_ELSEWHERE,
        **{
            f"{name}_is_times": [round(each[_LARGEST][_PER_SECOND] / by, 1) for by in (high, low)]
            for name, each in ((EMBEDDED, embedded), (KAFKA, kafka))
        },
    }
    return found


def _pairs(embedded: Figures, kafka: Figures) -> Iterator[tuple[str, float, float]]:
    for title, figure in _DRAINED.items():
        yield title, embedded[figure][_PER_SECOND], kafka[figure][_PER_SECOND]
    cpu = "worker_cpu_us_per_message"
    yield "worker CPU, us a new record", embedded[_LARGEST][cpu], kafka[_LARGEST][cpu]
    first, second = (each["event_to_profile"] for each in (embedded, kafka))
    for spread in ("p50", "p99"):
        title = f"event to profile at {first['wanted_per_second']:g}/s, {spread} ms"
        yield title, first["latency_ms"].get(spread, 0), second["latency_ms"].get(spread, 0)


def _row(embedded: float, kafka: float) -> dict[str, float]:
    ratio = round(kafka / embedded, 2) if embedded else 0.0
    return {EMBEDDED: embedded, KAFKA: kafka, "kafka_to_embedded": ratio}
