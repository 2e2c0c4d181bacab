"""`plait bench ingest`: events a second through the collector, durable before each answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from services.cli.bench.base import SEED, home_folder
from services.cli.bench.http_load import Load, Outcome, Sender, authorization, request, sender
from services.cli.bench.people import People, Row
from services.cli.bench.report import note, rate, spread_ms
from services.cli.bench.servers import Served, serving
from services.cli.home import Home
from services.cli.keys import keys_of

CONNECTIONS = (8, 32)  # senders of single events
BATCHES = (100, 500)  # events of one request
BATCH_CONNECTIONS = 4
WARM_EVENTS = 200


def bench_ingest(kept: Path | None, events: int) -> dict[str, Any]:
    """Figures of single events and of batches; `events` for each measurement."""
    with home_folder(kept) as folder:
        Home(folder).ensure_default_sources()
        note("inventing events")
        rows = People(SEED).newcomers(events, run=0)
        run = Home(folder).clock.now()  # message ids unlike those of an earlier run
        figures: dict[str, Any] = {}
        with serving(folder, "run", "ingest") as served, sender() as process:
            headers = [authorization(keys_of(folder)["web"])]
            warm = _singles(rows[:WARM_EVENTS], headers, f"{run}-warm")
            process.send(Load(port=served.ingest_port, requests=warm, connections=8))
            for count in CONNECTIONS:
                note(f"{events:,} single events over {count} connections")
                load = Load(
                    port=served.ingest_port,
                    requests=_singles(rows, headers, f"{run}-{count}"),
                    connections=count,
                )
                figures[f"single_events_over_{count}_connections"] = _measure(
                    process, served, load, events
                )
            for size in BATCHES:
                note(f"{events:,} events in batches of {size}")
                load = Load(
                    port=served.ingest_port,
                    requests=_batches(rows, headers, f"{run}-b{size}", size),
                    connections=BATCH_CONNECTIONS,
                )
                figures[f"batches_of_{size}"] = _measure(process, served, load, events)
        return figures


def _measure(process: Sender, served: Served, load: Load, events: int) -> dict[str, Any]:
    cpu = served.cpu_seconds()
    outcome = process.send(load)
    return {
        "events_per_second": rate(events, outcome.wall),
        "request_ms": spread_ms(outcome.seconds),
        "server_cpu_percent": round((served.cpu_seconds() - cpu) / outcome.wall * 100),
        "answers": answers(outcome),
    }


def answers(outcome: Outcome) -> dict[str, int]:
    return {str(status): count for status, count in sorted(outcome.statuses.items())} | {
        "failed": outcome.failed
    }


def _singles(rows: Sequence[Row], headers: Sequence[str], run: str) -> list[bytes]:
    bodies = (msgspec.json.encode(_call(row, f"{run}-{n}")) for n, row in enumerate(rows))
    return [request("POST", "/v1/identify", headers=headers, body=body) for body in bodies]


def _batches(rows: Sequence[Row], headers: Sequence[str], run: str, size: int) -> list[bytes]:
    calls = [_call(row, f"{run}-{n}") | {"type": "identify"} for n, row in enumerate(rows)]
    bodies = (
        msgspec.json.encode({"batch": calls[start : start + size]})
        for start in range(0, len(calls), size)
    )
    return [request("POST", "/v1/batch", headers=headers, body=body) for body in bodies]


def _call(row: Row, name: str) -> dict[str, Any]:
    at = datetime.fromtimestamp(int(name.split("-", maxsplit=1)[0]) / 1_000_000, UTC).isoformat()
    return {
        "messageId": name,
        "userId": f"u-{name}",
        "timestamp": at,
        "sentAt": at,
        "traits": dict(row.values),
        "context": {"library": {"name": "bench", "version": "1"}},
    }
