"""The whole demo in a straight line: stack, segments, story, population, replay, checks."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from services.cli.data import read_again
from services.cli.demo import checks, narrate
from services.cli.demo.api import ProfileApi
from services.cli.demo.doors import Doors, Positions, furthest
from services.cli.demo.homes import fresh_home
from services.cli.demo.play import Explainer, Played, Say, play
from services.cli.demo.population import Entry, population
from services.cli.demo.silo import silo_report
from services.cli.demo.story import Door, Sending
from services.cli.home import Home
from services.cli.keys import API_KEY
from services.cli.output import progress_bar
from services.cli.ports import Ports
from services.cli.running import Running
from services.cli.segments import apply_segments
from services.cli.up import start_detached
from services.identity.domain.ids import RecordKey
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.resolver.replay import Filter
from services.segments.definition import SegmentDefinition, parse_segments

EVENTS_PER_REQUEST_MAX = 500
REQUESTS_AT_ONCE_MAX = 4
SECONDS_MAX = 300.0  # to resolve the population, and PERSON_SECONDS_MAX more for each person
PERSON_SECONDS_MAX = 0.05
LOOK_SECONDS = 0.5


def run_demo(  # the options of the command
    path: Path, *, people: int, kafka: bool, fixed: bool, ports: Ports, say: Say
) -> dict[str, Any]:
    """Everything that the demo shows, as one document. Raises UsageError for a home not its own."""
    watch = _Watch()
    segments = _segments()
    home = fresh_home(path, kafka=kafka, segments=[each.id for each in segments])
    running = start_detached(home, ports)
    watch.note("ready")
    say(f"event log: {_log_in_words(running)}; home {home.path}")
    apply_segments(home, segments)
    run = _Run(home, running, fixed=fixed, say=say)
    try:
        played = run.story()
        watch.note("story")
        report = run.silos(people) if people else None
        watch.note("population")
        replayed = run.replay()
        watch.note("replay")
        return run.result(played, report, replayed, watch)
    finally:
        run.close()


class _Watch:
    """Seconds of each part, from the start of the demo."""

    def __init__(self) -> None:
        self._last = self._started = time.monotonic()
        self.seconds: dict[str, float] = {}

    def note(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part] = round(now - self._last, 2)
        self._last = now
        self.seconds["all"] = round(now - self._started, 2)


class _Run:
    """One demo against one running stack."""

    def __init__(self, home: Home, running: Running, *, fixed: bool, say: Say) -> None:
        self._home, self._running, self._say = home, running, say
        self._log = home.log()
        self._api = ProfileApi(running.api, home.keys()[API_KEY])
        self._doors = Doors(running.ingest, home.keys(), log_ends=self._log_ends, fixed=fixed)

    def close(self) -> None:
        self._doors.close()
        self._api.close()
        self._log.close()

    def _log_ends(self) -> Positions:
        return self._log.end_offsets(TOPIC)

    def story(self) -> Played:
        explainer = Explainer(self._home)
        try:
            return play(self._doors, self._api, explainer, say=self._say)
        finally:
            explainer.close()

    def silos(self, people: int) -> dict[str, Any]:
        """Post the population, wait until it is resolved, and compare with the truth."""
        self._say(f"\n{people:,} synthetic people, split into four silos, through the same doors")
        entries = population(people)
        started = time.monotonic()
        reached = self._post(entries)
        posted = time.monotonic() - started
        self._wait(reached, len(entries), seconds_max=SECONDS_MAX + people * PERSON_SECONDS_MAX)
        seconds = time.monotonic() - started
        report = silo_report(entries, _profiles(self._home))
        report |= {
            "dead_letters": sum(self._log.end_offsets(DEAD_LETTER_TOPIC).values()),
            "post_seconds": round(posted, 2),
            "resolved_seconds": round(seconds, 2),
            "records_per_second": round(len(entries) / seconds, 1),
        }
        for line in narrate.silo_lines(report):
            self._say(line)
        self._say(
            f"  {report['records']:,} records in {seconds:.1f} s,"
            f" {report['records_per_second']:,.0f} a second from the door to the profile"
        )
        return report

    def _post(self, entries: Sequence[Entry]) -> Positions:
        sendings = list(_requests(entries))
        with (
            progress_bar("events posted", total=len(entries)) as progress,
            ThreadPoolExecutor(REQUESTS_AT_ONCE_MAX) as senders,
        ):
            reached: list[Positions] = []
            for sending, positions in zip(
                sendings, senders.map(self._doors.send_as_they_are, sendings), strict=True
            ):
                progress(len(sending.events))
                reached.append(positions)
        return furthest(reached)

    def _wait(self, reached: Positions, count: int, *, seconds_max: float) -> None:
        done, looked = 0, time.monotonic()
        with progress_bar("records resolved", total=count) as progress:

            def look() -> None:
                nonlocal done, looked
                if time.monotonic() - looked < LOOK_SECONDS:
                    return
                resolved = _resolved_records(self._home)
                progress(resolved - done)
                done, looked = resolved, time.monotonic()

            self._api.wait_for(reached, seconds_max=seconds_max, while_waiting=look)

    def replay(self) -> dict[str, Any]:
        self._say("\nplait replay: the whole log is read again")
        replayed = read_again(self._home, only=Filter())
        self._say(
            f"  {replayed['taken']:,} messages, {replayed['changes']} changes, state hash"
            f" {replayed['state_hash_after'][:16]} {'as before' if replayed['same'] else 'DIFFERS'}"
        )
        return replayed

    def result(
        self,
        played: Played,
        report: dict[str, Any] | None,
        replayed: dict[str, Any],
        watch: _Watch,
    ) -> dict[str, Any]:
        found = [*checks.story_checks(played), *checks.replay_checks(replayed)]
        if report is not None:
            found += checks.population_checks(report)
        docs = f"{self._running.api}/docs"
        found.append(
            checks.Check(
                name="the API's description is served",
                passed=self._api.status_of("/docs") == 200,  # noqa: PLR2004  # HTTP
            )
        )
        return {
            "passed": all(each.passed for each in found),
            "log": self._running.log,
            "home": str(self._home.path),
            "profile_id": played.kate["profile_id"],
            "profile_url": f"{self._running.api}/v1/profiles/{played.kate['profile_id']}",
            "docs": docs,
            "api_key": self._home.keys()[API_KEY],
            "story": {
                "chapters": list(played.chapters),
                "ties": list(played.ties),
                "decision_before": played.before,
                "decision_after": played.after,
            },
            "silo_report": report,
            "replay": replayed,
            "state_hash": replayed["state_hash_after"],
            "seconds": watch.seconds,
            "checks": checks.documents(found),
        }


def _requests(entries: Sequence[Entry]) -> list[Sending]:
    """The events in their order, each door's gathered into requests of bounded size."""
    waiting: dict[Door, list[Any]] = {}
    result = []
    for entry in entries:
        events = waiting.setdefault(entry.door, [])
        events.append(entry.event)
        if len(events) >= EVENTS_PER_REQUEST_MAX:
            result.append(Sending(door=entry.door, events=waiting.pop(entry.door)))
    return [*result, *(Sending(door=door, events=events) for door, events in waiting.items())]


def _profiles(home: Home) -> dict[RecordKey, str]:
    """As `plait export assignments` gives them."""
    from services.identity.adapters.sql.store import SqlStore

    store = SqlStore(home.url)
    try:
        with store.snapshot() as snapshot:
            return {key: profile for key, _, profile in snapshot.records() if profile is not None}
    finally:
        store.close()


def _resolved_records(home: Home) -> int:
    with home.connection() as connection:
        row = connection.execute("SELECT count(*) FROM membership").fetchone()
    return int(row[0]) if row is not None else 0


def _segments() -> tuple[SegmentDefinition, ...]:
    text = files("services.cli.demo").joinpath("segments.yaml").read_text(encoding="utf-8")
    return parse_segments(yaml.safe_load(text))


def _log_in_words(running: Running) -> str:
    if running.log == "embedded":
        return "embedded, a durable log in PostgreSQL"
    return f"{running.log}, a broker on this machine"
