"""Who lives, who waits at a step, and who is held up by another in the database.

After `settle` nothing runs: what happens next is for the caller to choose. On PostgreSQL a
statement may wait for a lock of somebody who waits at a step: that is seen from the server.
"""

import time
from collections import Counter
from random import Random

from services.identity.adapters.sql.engine import Connection
from tests.simulation.actors import Actor, Order

PATIENCE_SECONDS = 0.003  # most statements are done by then, and the server need not be asked
HUNG_SECONDS_MAX = 60.0
GATES = (  # where workers take several locks in one statement
    "SELECT FROM membership ORDER BY record",
    "SELECT FROM record ORDER BY uid",
    "SELECT FROM dedupe ORDER BY event_id",
)


class Gate:
    """Somebody else, who holds the lock of one row for a while and waits for nobody.

    A statement that locks several rows is so stopped halfway, with some of its locks taken.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.backend = connection.info.backend_pid
        self.is_shut = False

    def shut(self, chance: Random) -> bool:
        """Before any row that nobody holds; False where there is none."""
        query = chance.choice(GATES) + " OFFSET %s LIMIT 1 FOR UPDATE SKIP LOCKED"
        self.is_shut = bool(self._connection.execute(query, (chance.randrange(6),)).fetchall())
        if not self.is_shut:
            self._connection.rollback()
        return self.is_shut

    def open(self) -> None:
        self._connection.rollback()
        self.is_shut = False


class Stage:
    """`monitor` is a connection of its own to the database, None where nothing can block."""

    def __init__(self, monitor: Connection | None = None, gate: Gate | None = None) -> None:
        self.gate = gate
        self.actors: list[Actor] = []
        self.deadlocks: list[tuple[str, ...]] = []  # the verbs in which their parties stood
        self.blocked = 0
        self._monitor = monitor
        self.is_contested = False
        """Whether two ever waited for one: who of them goes first is the server's choice."""
        self._held_up: dict[Actor, set[int]] = {}

    def settle(self) -> list[Actor]:
        """Wait until everybody stands at a step or is held up; who has come to one."""
        came: list[Actor] = []
        give_up_at = time.monotonic() + HUNG_SECONDS_MAX
        while running := [actor for actor in self.actors if actor.is_running]:
            arrived = [actor for actor in running if self._arrives(actor, give_up_at)]
            came.extend(arrived)
            if not arrived and not self._end_deadlock(running) and self._are_held_by_others():
                break
        self.actors = [actor for actor in self.actors if not actor.is_done]
        return came

    def _arrives(self, actor: Actor, give_up_at: float) -> bool:
        patience = 0.0 if actor in self._held_up else PATIENCE_SECONDS
        if actor.is_victim:  # until it is, it still seems to wait for the others
            patience = HUNG_SECONDS_MAX
        while not actor.has_arrived(seconds=patience):
            if held_by := self._held_up_by(actor):
                others = (found for other, found in self._held_up.items() if other is not actor)
                self.is_contested |= any(held_by & found for found in others)
                if actor not in self._held_up:
                    self.blocked += 1
                self._held_up[actor] = held_by
                return False
            patience = PATIENCE_SECONDS
            if time.monotonic() > give_up_at:
                raise AssertionError(f"{actor.name} hangs after {actor.label}")
        self._held_up.pop(actor, None)
        return True

    def _held_up_by(self, actor: Actor) -> set[int]:
        """Who keeps an actor waiting, if only we do."""
        ours = {each.backend for each in (*self.actors, self.gate) if each is not None}
        blockers = self._blockers(actor)
        return blockers if blockers <= ours else set()

    def _blockers(self, actor: Actor) -> set[int]:
        if self._monitor is None or actor.backend is None:
            return set()
        query = "SELECT pg_blocking_pids(%s)"
        row = self._monitor.execute(query, (actor.backend,)).fetchone()
        return set() if row is None else set(row[0])

    def _are_held_by_others(self) -> bool:
        is_shut = self.gate is not None and self.gate.is_shut
        return is_shut or any(not actor.is_running for actor in self.actors)

    def _end_deadlock(self, running: list[Actor]) -> bool:
        """The last of those that wait for each other gives way; whether there were any.

        A server chooses by who looked first after its `deadlock_timeout`, that is, by chance.
        """
        ring = self._ring(running)
        if not ring:
            return False
        time.sleep(PATIENCE_SECONDS)
        if self._monitor is None or self._ring(running) != ring:
            return False  # they were seen at different moments
        victim = ring[-1]
        victim.is_victim = True
        self._monitor.execute("SELECT pg_cancel_backend(%s)", (victim.backend,))
        self.deadlocks.append(tuple(sorted(actor.label for actor in running)))
        return True

    def _ring(self, running: list[Actor]) -> list[Actor]:
        """Those who wait, over others, for themselves."""
        blockers = {actor.backend: self._blockers(actor) for actor in running}

        def reached(actor: Actor) -> set[int]:
            found: set[int] = set()
            ahead = set(blockers[actor.backend])
            while ahead:
                found |= ahead
                ahead = set().union(*(blockers.get(each, set()) for each in ahead)) - found
            return found

        return [actor for actor in running if actor.backend in reached(actor)]

    def open(self) -> None:
        if self.gate is not None:
            self.gate.open()

    def dismiss(self) -> None:
        """Everybody dies where they stand."""
        self.open()
        while self.actors:
            for actor in self.actors:
                if not actor.is_running:
                    actor.resume(Order.CRASH)
            self.settle()


def lock_order_broken(deadlocks: list[tuple[str, ...]]) -> list[str]:
    """All take their locks in one order (docs/architecture.md), so that there is no deadlock."""
    found = Counter(" with ".join(verbs) for verbs in deadlocks)
    return [f"{number} deadlocks: {verbs}" for verbs, number in sorted(found.items())]
