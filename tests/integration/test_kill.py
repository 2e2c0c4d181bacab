"""SIGKILL of the whole stack in the middle of a load: the same state as without it."""

import os
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.cli.data import catch_up
from services.cli.demo import doors as demo_doors
from services.cli.demo.doors import Doors
from services.cli.demo.population import population
from services.cli.demo.story import Call, Door, Sending
from services.cli.home import Home, stop_home
from services.cli.ports import Ports
from services.cli.running import Running, running_stack
from services.identity.adapters.sql.store import SqlStore
from services.resolver.state_hash import StateHash, state_hash
from tests.integration.commands import ports_for, run_plait

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(400)]

PEOPLE = 120
EVENTS_PER_REQUEST = 10
KILL_AFTER = 0.4  # of the requests
SENDERS = 2


@pytest.fixture(autouse=True)
def _patient_senders(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender goes on until it is answered 200, however long the restart takes."""
    monkeypatch.setattr(demo_doors, "TRIES_MAX", 1_000)
    monkeypatch.setattr(demo_doors, "PAUSE_SECONDS", 0.1)


def _requests() -> list[Sending]:
    by_door: dict[Door, list[Call]] = {}
    result = []
    for entry in population(PEOPLE):
        events = by_door.setdefault(entry.door, [])
        events.append(entry.event)
        if len(events) == EVENTS_PER_REQUEST:
            result.append(Sending(door=entry.door, events=by_door.pop(entry.door)))
    return result


def _run(*, kill: bool) -> tuple[StateHash, int]:
    """Load a new home through HTTP; the state it ends in, and how many requests came before."""
    with tempfile.TemporaryDirectory(prefix="plait-kill-") as folder:
        path = Path(folder) / "home"
        api, ingest = ports_for(path)
        ports = Ports(api=api, ingest=ingest)
        try:
            running = _start(path, ports)
            home = Home(path)
            senders = Doors(running.ingest, home.keys(), log_ends=dict, fixed=True)
            done = _post(senders, home, ports, running.pid if kill else None)
            senders.close()
            catch_up(home)
            return _state(home), done
        finally:
            stop_home(path)


def _post(senders: Doors, home: Home, ports: Ports, victim: int | None) -> int:
    """Post everything; the stack `victim` dies while requests are on their way."""
    requests = _requests()
    count = threading.Semaphore(0)
    before_death = 0

    def send(sending: Sending) -> None:
        senders.send_as_they_are(sending)
        count.release()

    with ThreadPoolExecutor(SENDERS) as pool:
        waiting = [pool.submit(send, each) for each in requests]
        if victim is not None:
            for _ in range(int(len(requests) * KILL_AFTER)):
                count.acquire()
            os.kill(victim, signal.SIGKILL)
            before_death = sum(each.done() for each in waiting)
            while home.stack() is not None:
                time.sleep(0.01)
            restarted = _start(home.path, ports)
            assert restarted.pid != victim
        for each in waiting:
            each.result()
    return before_death


def _start(path: Path, ports: Ports) -> Running:
    """As an operator does: the stack is nobody's child."""
    where = ("--port", str(ports.api), "--ingest-port", str(ports.ingest))
    done = run_plait("up", "--detach", "--home", str(path), *where)
    running = running_stack(path)
    assert running is not None, done.stderr
    return running


def _state(home: Home) -> StateHash:
    store = SqlStore(home.url)
    try:
        with store.snapshot() as snapshot:
            return state_hash(snapshot)
    finally:
        store.close()


def test_a_killed_stack_ends_in_the_same_state() -> None:
    killed, done = _run(kill=True)
    assert 0 < done < len(_requests())
    undisturbed, _ = _run(kill=False)
    assert killed.is_clean
    assert killed.records == undisturbed.records > PEOPLE
    assert killed.value == undisturbed.value
