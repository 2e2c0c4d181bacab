"""Each benchmark once, tiny, as it is called: it runs to its end and tells all its figures."""

import json
from typing import Any

import pytest

from tests.integration.commands import run_here

pytestmark = [pytest.mark.slow, pytest.mark.integration]


def bench(*arguments: str) -> dict[str, Any]:
    done = run_here("bench", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert set(told) == {"bench", "machine", "sizes", "figures"}
    assert told["machine"]["cores"] >= 1
    figures: dict[str, Any] = told["figures"]
    return figures


def test_the_resolver() -> None:
    sizes = ("--base", "300", "--records", "60", "--rate", "30", "--seconds", "1")
    figures = bench("resolver", *sizes, "--key", "s", "--key", "g3+d0")
    assert figures["bulk"]["records_per_second"] > 0
    assert figures["bulk"]["keys"] == [["s"], ["g3", "d0"]]
    assert figures["recluster"]["clusters"] > 1
    for batch in (1_500, 100, 10):
        drained = figures[f"new_records_in_batches_of_{batch}"]
        assert drained["new_records"] == drained["messages"]
        assert drained["keys_per_new_record"] > 1
        assert drained["stages"]["score"]["python_us"] > 0
        assert sum(row["percent"] for row in drained["stages"].values()) == pytest.approx(
            100, abs=2
        )
    mixed = figures["mixed_stream_in_batches_of_1500"]
    assert mixed["new_records"] < mixed["messages"] / 2
    assert figures["event_to_profile"]["latency_ms"]["count"] == 30


def test_a_key_of_no_token_is_refused() -> None:
    done = run_here("bench", "resolver", "--base", "10", "--records", "10", "--key", "shoe+s")
    assert done.returncode != 0
    assert "no token 'shoe'; known are a0, " in done.stderr


def test_ingest() -> None:
    figures = bench("ingest", "--events", "500")
    for count in (8, 32):
        single = figures[f"single_events_over_{count}_connections"]
        assert single["answers"] == {"200": 500, "failed": 0}
        assert single["events_per_second"] > 0
    assert figures["batches_of_100"]["answers"] == {"200": 5, "failed": 0}
    assert figures["batches_of_500"]["answers"] == {"200": 1, "failed": 0}


def test_the_api() -> None:
    figures = bench("api", "--rate", "100", "--seconds", "1", "--profiles", "30")
    assert figures["ready_seconds"].keys() == {"new_home", "home_at_rest"}
    assert figures["reads"]["answers"].keys() <= {"200", "300", "failed"}
    assert figures["reads"]["latency_ms"]["count"] == 100
    assert figures["decisions"]["answers"] == {"200": 20, "failed": 0}


def test_the_backlog() -> None:
    figures = bench("backlog", "--events", "1000", "--seconds", "20")
    assert figures["ingest"]["requests_not_answered_200"] == 0
    assert figures["resolver"]["landed"] == figures["resolver"]["backlog"] > 0
    for service in ("ingest", "resolver", "api"):
        assert 0 < figures[service]["memory_mb"]["rss"] <= figures[service]["memory_mb"]["rss_max"]
    assert all(bound > 0 for bound in figures["bounds"].values())


def test_training() -> None:
    figures = bench("train", "--records", "300")
    assert figures["model"]["records_trained_on"] == figures["model"]["records"] == 300
    assert 0 < figures["seconds_of_training"] < figures["seconds"]
    assert figures["cpu_seconds"] > 0
    assert figures["memory_mb"]["rss_max"] > 50
