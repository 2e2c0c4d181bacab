"""A home on PostgreSQL with the shipped model, attacked by a crowd; what that cost, in figures."""

import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from psycopg import sql

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.sql import models
from services.identity.adapters.sql.engine import connect
from services.identity.adapters.sql.rulesets import activate_ruleset
from services.identity.adapters.sql.sources import SqlSources
from services.identity.adapters.sql.store import SqlStore
from services.identity.adapters.topics import load_topics
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.ruleset import Ruleset, encode_ruleset
from services.identity.domain.source import Source
from services.identity.ports import TopicSettings
from services.identity.wire.events import ChannelEvent
from services.resolver.consume import Bounds, Worker
from tests.attack.crowds import crowd, stranger
from tests.factories import channel_event, outgoing, still_clock
from tests.scenarios.people import shipped_standing

APPENDED_AT_ONCE = 500
CALLS = Source(name=SourceName("calls"), channel="call_centre", workspace="shop", region="GB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`slowest_seconds` of one transaction; `bystander_seconds` until a stranger is a profile.

    `cpu_seconds`: the most that the worker itself worked in one, whatever else the machine did.

    `one_more_seconds` is for one more record of the crowd, when all is clean.
    """

    records: int
    seconds: float
    slowest_seconds: float
    cpu_seconds: float
    one_more_seconds: float
    bystander_seconds: float
    marks: int
    pairs: int
    largest_component: int
    largest_profile: int
    peak_megabytes: int

    def line(self) -> str:
        return (
            f"{self.records:>8}{self.seconds:>9.1f}{self.records / self.seconds:>8.0f}"
            f"{self.slowest_seconds:>9.2f}{self.cpu_seconds:>7.2f}{self.one_more_seconds:>10.2f}"
            f"{self.bystander_seconds:>11.2f}{self.marks / self.records:>8.1f}"
            f"{self.pairs / self.records:>9.1f}{self.largest_component:>11}"
            f"{self.largest_profile:>9}{self.peak_megabytes:>7}"
        )


HEAD = (
    f"{'records':>8}{'seconds':>9}{'rec/s':>8}{'slowest':>9}{'cpu':>7}{'one more':>10}"
    f"{'bystander':>11}{'marks':>8}{'pairs':>9}{'component':>11}{'profile':>9}{'MB':>7}"
)


class Site:
    """One worker; everything it does is timed a transaction."""

    def __init__(self, url: str) -> None:
        _declare(url)
        self.store = SqlStore(url)
        self.url = url
        self._log = MemoryLog(still_clock())
        names = [topic.name for topic in load_topics()]
        self._log.ensure_topics([TopicSettings(name=name, partitions=1) for name in names])
        self.worker = Worker(
            store=self.store,
            log=self._log,
            clock=still_clock(),
            bounds=Bounds(poll_ms=0),
            standing=shipped_standing(),
        )
        self.slowest = self.cpu = 0.0
        self.marks = self.pairs = 0

    def close(self) -> None:
        self.worker.close()
        self.store.close()

    def say(self, events: Iterable[ChannelEvent]) -> float:
        """Append, land and resolve by turns, as a stream does; how long that took."""
        began = time.perf_counter()
        waiting = iter(events)
        while batch := [outgoing(event) for event in islice(waiting, APPENDED_AT_ONCE)]:
            self._log.producer().append(batch)
            self._turn()
        while self._turn():
            pass
        return time.perf_counter() - began

    def _turn(self) -> bool:
        began, worked = time.perf_counter(), time.process_time()
        landing = self.worker.land_once(wait=False)
        landed, worked_landing = time.perf_counter(), time.process_time()
        resolution = self.worker.resolve_once()
        done, worked_resolving = time.perf_counter(), time.process_time()
        self.slowest = max(self.slowest, landed - began, done - landed)
        self.cpu = max(self.cpu, worked_landing - worked, worked_resolving - worked_landing)
        if resolution is not None:
            self.marks += resolution.marks
            self.pairs += resolution.pairs
        return landing is not None or resolution is not None

    def largest(self, column: Literal["component", "profile"]) -> int:
        query = sql.SQL("SELECT count(*) FROM membership GROUP BY {} ORDER BY 1 DESC LIMIT 1")
        with connect(self.url) as connection:
            row = connection.execute(query.format(sql.Identifier(column))).fetchone()
        return 0 if row is None else int(row[0])


@contextmanager
def attacked(url: str) -> Iterator[Site]:
    site = Site(url)
    try:
        yield site
    finally:
        site.close()


def attack(url: str, name: str, count: int) -> Cost:
    """A crowd of so many records but one, then that one, then somebody who has no part in it."""
    events = crowd(name, count)
    with attacked(url) as site:
        seconds = site.say(islice(events, count - 1))
        marks, pairs, slowest, cpu = site.marks, site.pairs, site.slowest, site.cpu
        one_more = site.say(events)
        bystander = site.say([_bystander(count)])
        return Cost(
            records=count,
            seconds=seconds,
            slowest_seconds=slowest,
            cpu_seconds=cpu,
            one_more_seconds=one_more,
            bystander_seconds=bystander,
            marks=marks,
            pairs=pairs,
            largest_component=site.largest("component"),
            largest_profile=site.largest("profile"),
            peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        )


def _bystander(number: int) -> ChannelEvent:
    return channel_event(
        source="calls",
        record=("contact_id", "bystander"),
        message_id="m-bystander",
        minute=number,
        traits=stranger(number + 1_000_003),
    )


def _declare(url: str) -> None:
    scorer = shipped_standing().scorer
    if scorer is None:
        raise RuntimeError("the shipped model was not opened")
    model, rules = scorer.model, Ruleset()
    with connect(url) as connection:
        models.save_model(connection, model.version, model.to_json().encode(), {}, at=Micros(0))
        models.activate(connection, model.version)
        activate_ruleset(connection, rules.version, encode_ruleset(rules), at=Micros(0))
    sources = SqlSources(url)
    sources.register(CALLS, write_key_hash=None, at=Micros(0))
    sources.close()
