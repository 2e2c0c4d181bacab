"""Senders over HTTP while everything else dies: what was answered 200 is promised from then on."""

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2

from services.cli.demo.doors import PATHS, SOURCES
from services.cli.demo.population import population
from services.cli.demo.story import Call, Door
from tests.chaos.tally import Tally

EVENTS_PER_REQUEST = 20  # so that there is something to do at once, and then nothing
REPEATED = 0.1  # of the requests are sent once more after their answer, as if it had been lost
VISITS = 0.6  # of the events of an SDK are followed by a visit of the same person
REQUEST_SECONDS_MAX = 60.0
Request = tuple[Door, list[Call]]


def requests_of(people: int, seed: int) -> list[Request]:
    """Every event of invented people, several in a request, each with a message id."""
    choose = random.Random(f"{seed} visits")
    waiting: dict[Door, list[Call]] = {}
    made: list[Request] = []
    for entry in population(people, seed=seed):
        door = Door.SDK if entry.door is Door.BROWSER else entry.door
        events = waiting.setdefault(door, [])
        events.extend(_with_visit(entry.event, door, choose))
        if len(events) >= EVENTS_PER_REQUEST:
            made.append((door, waiting.pop(door)))
    return made


def _with_visit(event: Call, door: Door, choose: random.Random) -> Iterator[Call]:
    yield event
    if door in PATHS and door is not Door.SDK:
        return
    if choose.random() < VISITS:
        kept = {name: event[name] for name in ("userId", "anonymousId") if name in event}
        yield {
            "type": "track",
            "event": "Product Viewed",
            "properties": {"product": choose.choice(("TV", "Fibre 500"))},
            "messageId": f"{event['messageId']}-visit",
            "timestamp": event["timestamp"],
            **kept,
        }


class Senders:
    """Threads that take turns over the requests, at a rate."""

    def __init__(
        self,
        ingest: str,
        keys: Mapping[str, str],
        tally: Tally,
        *,
        requests: Sequence[Request],
        per_second: float,
        seed: int,
        threads: int = 3,
    ) -> None:
        self.promised: set[tuple[str, str]] = set()  # source, message id
        self.halt = threading.Event()
        self._ingest = ingest
        self._keys = keys
        self._tally = tally
        self._lock = threading.Lock()
        self._requests = iter(requests)
        self._pause = threads * EVENTS_PER_REQUEST / per_second
        self._threads = [
            threading.Thread(
                target=self._send, args=(random.Random(f"{seed} {each}"),), daemon=True
            )
            for each in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self.halt.set()
        for thread in self._threads:
            thread.join()

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _send(self, choose: random.Random) -> None:
        with httpx2.Client(base_url=self._ingest, timeout=REQUEST_SECONDS_MAX) as client:
            while not self.halt.is_set():
                with self._lock:
                    request = next(self._requests, None)
                if request is None:
                    return
                self._until_accepted(client, request)
                if choose.random() < REPEATED:
                    self._tally.count("requests sent once more")
                    self._until_accepted(client, request)
                time.sleep(self._pause)

    def _until_accepted(self, client: httpx2.Client, request: Request) -> None:
        """As a patient sender does, until told to halt."""
        door, events = request
        path = PATHS.get(door, PATHS[Door.SDK])
        body = {"events" if door in {Door.CALLS, Door.BILLING} else "batch": events}
        while not self.halt.is_set():
            source = SOURCES[door]
            try:
                response = client.post(
                    path,
                    content=json.dumps(body).encode(),
                    headers={"Content-Type": "application/json"},
                    auth=(self._keys[source], ""),
                )
            except httpx2.TransportError as error:
                self._tally.fault(f"ingest gave no answer: {type(error).__name__}")
                time.sleep(1)
                continue
            self._tally.count(f"answers {response.status_code}")
            if response.status_code == httpx2.codes.OK:
                self._keep(source, events, response)
                return
            self._refused(response)

    def _keep(self, source: str, events: Sequence[Call], response: httpx2.Response) -> None:
        rejected: Any = response.json().get("rejected")
        if rejected:
            self._tally.fault(f"ingest rejected good events: {rejected[0]['code']}")
        with self._lock:
            self.promised |= {(source, event["messageId"]) for event in events}

    def _refused(self, response: httpx2.Response) -> None:
        after = response.headers.get("Retry-After", "")
        if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE or not after.isdigit():
            self._tally.fault(f"ingest answered {response.status_code}, Retry-After {after!r}")
        self.halt.wait(min(float(after) if after.isdigit() else 1, 2))
