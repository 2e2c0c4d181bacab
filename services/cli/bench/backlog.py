"""`plait bench backlog`: what every service holds in memory while a long backlog waits for it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from services.cli.bench.base import SEED, home_folder
from services.cli.bench.http_load import Load, authorization, request, sender
from services.cli.bench.machine import memory_with_children_mb
from services.cli.bench.people import People, Row
from services.cli.bench.report import note, rate
from services.cli.bench.servers import Served, serving
from services.cli.home import Home
from services.cli.keys import keys_of
from services.identity.domain.ids import Micros
from services.identity.wire.events import TOPIC
from services.resolver.consume import Bounds
from services.resolver.lander import GROUP
from services.resolver.publish import LETTERS_MAX

PEOPLE_MAX = 20_000  # invented; with more events they are told again under other ids
EVENTS_PER_REQUEST = 500
EVENTS_PER_LOAD = 50_000  # what is sent is made in parts: a million bodies would fill the sender
CONNECTIONS = 4
VISITS = 4  # after each identify
LOOK_SECONDS = 0.5
_PATHS = ("/", "/broadband", "/tv", "/mobile", "/help", "/basket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`seconds` is how long the resolver works on the backlog: it need not drain all of it."""

    events: int
    seconds: float


def bench_backlog(kept: Path | None, sizes: Sizes, *, kafka: str | None) -> dict[str, Any]:
    """Ingest takes the backlog while nothing reads it; then a resolver and an API meet it."""
    with home_folder(kept) as folder:
        home = Home(folder)
        if kafka is not None:
            home.use_kafka(kafka)
        home.ensure_default_sources()
        home.ensure_api_key()
        figures: dict[str, Any] = {"log": home.log_name(), "bounds": _bounds()}
        with serving(folder, "run", "ingest", "--port", "0") as ingest:
            figures["ingest"] = _fill(home, ingest, sizes.events)
        backlog = _Backlog(home)  # before the resolver starts: it lands before it says it is ready
        api = serving(folder, "run", "api", "--port", "0")
        resolver = serving(folder, "run", "resolver", "--port", "0")
        note(f"a resolver on the backlog for {sizes.seconds:g} s")
        with api as api_served, resolver as resolver_served:
            figures["resolver"] = _work(home, resolver_served, backlog, sizes.seconds)
            figures["api"] = {"memory_mb": memory_with_children_mb(api_served.running.pid)}
        return figures


def _fill(home: Home, served: Served, events: int) -> dict[str, Any]:
    note("inventing people")
    rows = People(SEED).newcomers(min(PEOPLE_MAX, max(1, events // (1 + VISITS))), run=0)
    headers = [authorization(keys_of(home.path)["web"])]
    parts = _parts(rows, events, home.clock.now())
    begun, sent, failed, memory = time.perf_counter(), 0, 0, []
    seconds = 0.0
    with sender() as process:
        for part in parts:
            bodies = (msgspec.json.encode({"batch": batch}) for batch in part)
            requests = [request("POST", "/v1/batch", headers=headers, body=b) for b in bodies]
            load = Load(port=served.ingest_port, requests=requests, connections=CONNECTIONS)
            outcome = process.send(load)
            seconds += outcome.wall
            failed += len(requests) - outcome.statuses[200]
            sent += sum(map(len, part))
            memory.append(memory_with_children_mb(served.running.pid)["rss"])
            note(f"{sent:,} of {events:,} events in {time.perf_counter() - begun:.0f} s")
    return {
        "events": sent,
        "events_per_second": rate(sent, seconds),
        "requests_not_answered_200": failed,
        "memory_mb": memory_with_children_mb(served.running.pid),
        "memory_mb_on_the_way": along(memory),
    }


class _Backlog:
    """What waits in the log: from the first message not landed yet to its end."""

    def __init__(self, home: Home) -> None:
        log = home.log()
        self.begin = _landed(home)
        self.end = sum(log.end_offsets(TOPIC).values())
        log.close()


def _work(home: Home, served: Served, backlog: _Backlog, seconds: float) -> dict[str, Any]:
    """The resolver's memory, and how far it came; its rate is from when it is ready."""
    ready_at = _landed(home)
    pid = served.running.pid
    begun, told_at, memory = time.perf_counter(), 0.0, [memory_with_children_mb(pid)["rss"]]
    landed = ready_at
    while (spent := time.perf_counter() - begun) < seconds and landed < backlog.end:
        if spent - told_at > 10:  # noqa: PLR2004  # seconds between two notes
            told_at = spent
            note(f"{landed:,} of {backlog.end:,} events landed, {memory[-1]} MB")
        time.sleep(LOOK_SECONDS)
        memory.append(memory_with_children_mb(pid)["rss"])
        landed = _landed(home)
    return {
        "backlog": backlog.end - backlog.begin,
        "landed": landed - backlog.begin,
        "seconds": round(spent, 1),
        "events_per_second": rate(landed - ready_at, spent),
        "memory_mb": memory_with_children_mb(pid),
        "memory_mb_on_the_way": along(memory),
    }


def along(memory: list[int]) -> dict[str, int]:
    """At the beginning, the quarters and the end: flat is what it should be."""
    last = len(memory) - 1
    shares = {"start": 0.0, "quarter": 0.25, "half": 0.5, "three_quarters": 0.75, "end": 1.0}
    return {name: memory[round(last * share)] for name, share in shares.items()}


def _landed(home: Home) -> int:
    with home.connection() as connection:
        query = (
            "SELECT coalesce(sum(next_offset), 0) FROM consumer_offset"
            " WHERE consumer_group = %s AND topic = %s"
        )
        row = connection.execute(query.encode(), (GROUP, TOPIC)).fetchone()
    return int(row[0]) if row else 0


def _bounds() -> dict[str, int]:
    """What keeps memory bounded, whatever waits."""
    from services.identity.adapters.embedded.consumer import READ_BYTES_MAX
    from services.identity.adapters.kafka.consumer import FETCH_BYTES_MAX, PARTITION_BYTES_MAX
    from services.ingest.settings import IngestSettings

    ingest, worker = IngestSettings(), Bounds()
    return {
        "ingest_queue_messages_max": ingest.queue_messages_max,
        "ingest_queue_bytes_max": ingest.queue_bytes_max,
        "ingest_append_messages_max": ingest.append_messages_max,
        "ingest_body_bytes_max": ingest.body_bytes_max,
        "kafka_fetch_bytes_max": FETCH_BYTES_MAX,
        "kafka_partition_fetch_bytes_max": PARTITION_BYTES_MAX,
        "embedded_read_bytes_max": READ_BYTES_MAX,
        "resolver_messages_max": worker.messages_max,
        "resolver_marks_max": worker.marks_max,
        "relay_messages_max": LETTERS_MAX,
    }


def _parts(rows: list[Row], events: int, at: Micros) -> Iterator[list[list[dict[str, Any]]]]:
    """All events in parts, each part in the batches of its requests."""
    made = _events(rows, at)
    left = events
    while left > 0:
        size = min(left, EVENTS_PER_LOAD)
        left -= size
        flat = [next(made) for _ in range(size)]
        yield [
            flat[start : start + EVENTS_PER_REQUEST] for start in range(0, size, EVENTS_PER_REQUEST)
        ]


def _events(rows: list[Row], at: Micros) -> Iterator[dict[str, Any]]:
    """Without end: a new person's identify, then visits of people known by then."""
    choose = Random(f"{SEED} visits")  # noqa: S311  # repeatable on purpose
    moment = datetime.fromtimestamp(at / 1_000_000, UTC).isoformat()
    number = 0
    while True:
        row = rows[number % len(rows)]
        yield _event(f"{at}-i{number}", f"b{at}-{number}", moment, "identify") | {
            "traits": dict(row.values)
        }
        number += 1
        for visit in range(VISITS):
            user = f"b{at}-{choose.randrange(number)}"
            yield _event(f"{at}-v{number}-{visit}", user, moment, "page") | {
                "properties": {"path": choose.choice(_PATHS)}
            }


def _event(message_id: str, user: str, moment: str, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "messageId": message_id,
        "userId": user,
        "timestamp": moment,
        "sentAt": moment,
    }
