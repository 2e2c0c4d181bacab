"""A home goes on with another log, and two runs become one table."""

from typing import Any

import pytest

from services.cli.bench.resolver import FIGURES
from services.cli.bench.two_logs import go_on_from_the_end, side_by_side
from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.adapters.topics import load_topics
from services.identity.domain.ids import Micros
from services.identity.ports import OutgoingMessage
from services.identity.wire.events import TOPIC
from services.resolver.consume import is_landed
from services.resolver.lander import GROUP


def log_with(messages: int) -> MemoryLog:
    log = MemoryLog(clock=ManualClock(Micros(1)))
    log.ensure_topics(load_topics())
    log.producer().append(
        [OutgoingMessage(topic=TOPIC, key=b"k", value=b"{}") for _ in range(messages)]
    )
    return log


def test_each_log_goes_on_from_its_own_end_whatever_the_other_had() -> None:
    longer, shorter, store = log_with(5), log_with(2), MemoryStore(MemorySources())
    for log in (longer, shorter, longer):
        assert not is_landed(store, log) or log is shorter
        go_on_from_the_end(store, log)
        with store.transaction() as tx:
            offsets = tx.next_offsets(GROUP)
        ends = {(each.topic, each.index): end for each, end in log.end_offsets(TOPIC).items()}
        assert ends.items() <= offsets.items()
        assert is_landed(store, log)


def run_with(per_second: float, p50: float) -> dict[str, Any]:
    drained = {"messages_per_second": per_second, "worker_cpu_us_per_message": 1_000}
    latency = {"wanted_per_second": 300.0, "latency_ms": {"p50": p50, "p99": 400.0}}
    return {name: latency if name == "event_to_profile" else drained for name in FIGURES}


def test_every_figure_has_both_logs_and_what_one_is_of_the_other() -> None:
    rows = side_by_side(run_with(600.0, 80.0), run_with(450.0, 100.0))
    new = {"embedded": 600.0, "kafka": 450.0, "kafka_to_embedded": 0.75}
    assert rows["new records/s, batches of 1,500"] == new
    latency = {"embedded": 80.0, "kafka": 100.0, "kafka_to_embedded": 1.25}
    assert rows["event to profile at 300/s, p50 ms"] == latency


def test_the_other_product_is_named_as_measured_elsewhere() -> None:
    (row,) = [
        row
        for name, row in side_by_side(run_with(664.0, 1), run_with(332.0, 1)).items()
        if "RecordLinker" in name
    ]
    assert (row["low"], row["high"]) == (63, 83)
    assert "not in this run" in row["where"]
    assert row["embedded_is_times"] == pytest.approx([8.0, 10.5])
    assert row["kafka_is_times"] == pytest.approx([4.0, 5.3])


def test_a_log_at_which_nothing_was_followed_has_no_ratio() -> None:
    empty = run_with(0.0, 0.0)
    assert side_by_side(empty, empty)["mixed stream, events/s"]["kafka_to_embedded"] == 0.0
