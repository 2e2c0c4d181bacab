"""The seeded scheduler: who goes next, what fails, what the log does meanwhile."""

from collections import deque
from collections.abc import Callable
from random import Random

from services.identity.ports import Partition
from tests.simulation.actors import SIMULATED, Actor, Order
from tests.simulation.scenario import Scenario
from tests.simulation.stage import Stage
from tests.simulation.stores import Turn
from tests.simulation.tally import Tally
from tests.simulation.world import SimulatedConsumer, SimulatedLog

CALM_STEPS_MAX = 30_000
CALM_CHECK_STEPS = 20
BETWEEN = frozenset({"turn", "poll", "polled", "begin", "committed", "append", "appended"})
SORE = frozenset({"polled", "commit", "committed", "append", "appended"})  # more often hit
SORE_FACTOR = 6
RARE_FACTOR = 24  # crashes before an append: a worker seldom comes there
OPENS, CLOSES = "holders", frozenset({"lock_components", "commit", "begin"})
OPEN_FACTOR = 20  # between these a worker has read and not locked yet: it stalls more often
UNTIL_IDLE = 1_000_000  # commits: until the others have nothing left to do
GATE_STEPS_MAX = 60
CLOCK_MICROS_MAX = 60_000
HIRE = 0.1
ASSIGN = 0.2
OUTAGE_STEPS_MAX = 12  # of a worker that has lost the world: what it tries next fails, too


class Schedule:
    """One seed's run: trouble first, then calm until nothing is left to do."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        log: SimulatedLog,
        stage: Stage,
        tally: Tally,
        turn: Turn | None,
        hire: Callable[[int], Actor],
        is_quiet: Callable[[], bool],
        check: Callable[[], None],
    ) -> None:
        self._scenario = scenario
        self._habits = scenario.habits
        self._chance = Random(f"schedule {scenario.seed}")
        self._log = log
        self._clock = log.clock
        self._stage = stage
        self._tally = tally
        self._turn = turn
        self._hire = hire
        self._is_quiet = is_quiet
        self._check = check  # at every rest: an edge that is missing today may be back tomorrow
        self._waiting = deque(scenario.messages)
        self._slots: dict[Actor, int] = {}
        self._asleep: dict[Actor, int] = {}  # until so many commits
        self._gate_steps = 0
        self._outages: dict[Actor, int] = {}  # for so many steps
        self._holds_back = False  # nothing is sent until the next rest, so that no fault is mended
        self._commits = 0
        self._current: Actor | None = None
        self.trace: list[str] = []
        self.own_steps: int | None = (
            None  # before a database first chose who goes; None: it never did
        )

    def run(self) -> None:
        try:
            for _ in range(self._scenario.trouble_steps):
                self._touch_the_world()
                self._step(in_trouble=True)
                if self._are_idle() and not self._stir():
                    break
            self._calm_down()
            for number in range(CALM_STEPS_MAX):
                if number % CALM_CHECK_STEPS == 0 and self._is_at_rest():
                    return
                self._step(in_trouble=False)
                self._assign_free(chance=1)
            raise AssertionError("the workers never came to rest")
        finally:
            self._stage.dismiss()

    def _calm_down(self) -> None:
        self._append(len(self._waiting))
        self._log.show_all()
        self._asleep.clear()
        self._stage.open()
        self._fill_slots(chance=1)

    def _is_at_rest(self) -> bool:
        self._after_settling()
        return (self._turn is None or self._turn.holder is None) and self._is_quiet()

    def _are_idle(self) -> bool:
        self._after_settling()
        return all(actor.label == "turn" and actor.is_idle for actor in self._slots)

    def _stir(self) -> bool:
        """Something happens that gives work; False when there is nothing left to happen."""
        if self._is_quiet():
            self._check()
        self._holds_back = False
        self._append(self._chance.randint(1, self._scenario.burst_max))
        shown = self._log.shown
        hidden = [each for each, found in self._log.messages.items() if len(found) > shown[each]]
        for partition in hidden:
            self._log.show(partition)
        self._wake()
        return bool(hidden)

    def _wake(self) -> None:
        for actor in self._slots:
            actor.is_idle = False

    # ---- the world ----

    def _touch_the_world(self) -> None:
        chance, habits = self._chance, self._habits
        self._clock.instant += chance.randint(0, CLOCK_MICROS_MAX)
        rate = len(self._scenario.messages) / self._scenario.trouble_steps / 2
        if not self._holds_back and chance.random() < rate:
            self._append(chance.randint(1, 2))
            for partition in self._log.messages:
                if chance.randrange(2) == 0:
                    self._log.show(partition)
            self._wake()
        if chance.random() < habits.rebalance:
            self._rebalance()
        if chance.random() < habits.displace:
            self._displace()
        self._swing_gate()
        self._fill_slots(chance=HIRE)
        self._assign_free(chance=ASSIGN)

    def _swing_gate(self) -> None:
        gate = self._stage.gate
        if gate is None:
            return
        self._gate_steps -= 1
        if gate.is_shut and self._gate_steps <= 0:
            gate.open()
        elif not gate.is_shut and self._chance.random() < self._habits.gate:
            self._gate_steps = self._chance.randint(1, GATE_STEPS_MAX)
            self._tally.happened["gates shut"] += gate.shut(self._chance)

    def _append(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            self._log.append(self._waiting.popleft())

    def _fill_slots(self, *, chance: float) -> None:
        for slot in range(self._scenario.workers):
            is_free = slot not in self._slots.values()
            if is_free and (not self._slots or self._chance.random() < chance):
                actor = self._hire(slot)
                self._slots[actor] = slot
                self._stage.actors.append(actor)
        self._after_settling()

    def _members(self) -> list[SimulatedConsumer]:
        return [actor.consumer for actor in self._slots if actor.consumer is not None]

    def _assign_free(self, *, chance: float) -> None:
        members = self._members()
        for partition, owner in self._log.owners.items():
            if owner is None and members and self._chance.random() < chance:
                self._log.owners[partition] = self._chance.choice(members)

    def _rebalance(self) -> None:
        partition = self._chance.choice(sorted(self._log.owners))
        owner = self._log.owners[partition]
        if owner is None:
            return
        self._give_away(partition, owner)

    def _give_away(self, partition: Partition, owner: SimulatedConsumer) -> None:
        others = [member for member in self._members() if member is not owner]
        self._log.owners[partition] = self._chance.choice(others) if others else None
        self._tally.happened["rebalances"] += 1
        if partition in owner.holds:
            self._tally.happened["rebalances of messages in hand"] += 1

    def _displace(self) -> None:
        members = self._members()
        if members:
            partition = self._chance.choice(sorted(self._log.owners))
            if self._chance.choice(members).put_back(partition, self._chance.choice((1, 3))):
                self._tally.happened["readers put back"] += 1

    # ---- the workers ----

    def _step(self, *, in_trouble: bool) -> None:
        self._after_settling()
        if not self._slots:
            self._fill_slots(chance=1)
        actor = self._choose()
        if actor is None:  # all wait for one row
            self._stage.open()
            return
        order = self._order_for(actor) if in_trouble else Order.GO
        if in_trouble and order is Order.GO and self._is_ambushed(actor):
            self._ambush(actor)
            return
        self.trace.append(f"{actor.name} {actor.label} {order.value}")
        self._tally.steps += 1
        self._current = actor
        actor.is_open = (actor.is_open or actor.label == OPENS) and actor.label not in CLOSES
        actor.resume(order)

    def _after_settling(self) -> None:
        came = self._stage.settle()
        if self._stage.is_contested and self.own_steps is None:
            self.own_steps = len(self.trace)
        for actor in came:
            if actor.has_news or actor.is_done:
                actor.has_news = False
                self._wake()
            if actor.is_done:
                self._bury(actor)
            elif actor.label == "committed":
                self._commits += 1
                if actor.consumer is not None:
                    actor.consumer.holds = frozenset()

    def _bury(self, actor: Actor) -> None:
        del self._slots[actor]
        self._asleep.pop(actor, None)
        self._outages.pop(actor, None)
        for partition, owner in self._log.owners.items():
            if owner is actor.consumer:
                self._log.owners[partition] = None
        if actor.failure is not None:
            raise actor.failure

    def _choose(self) -> Actor | None:
        ready = [actor for actor in self._slots if not actor.is_running and self._may_go(actor)]
        awake = [each for each in ready if self._asleep.get(each, 0) <= self._commits]
        awake = [actor for actor in awake if not actor.is_idle]
        if not awake:
            self._holds_back |= max(self._asleep.values(), default=0) > UNTIL_IDLE / 2
            self._asleep.clear()
            awake = [actor for actor in ready if not actor.is_idle] or ready
        if self._current in awake and self._chance.random() > self._habits.switch:
            return self._current
        return self._chance.choice(awake) if awake else None

    def _may_go(self, actor: Actor) -> bool:
        return (
            self._turn is None
            or actor.label != "begin"
            or self._turn.holder is None
            or self._turn.holder is actor
        )

    def _order_for(self, actor: Actor) -> Order:
        habits, label = self._habits, actor.label
        factor = SORE_FACTOR if label in SORE else 1
        if label == "turn":
            return Order.GO
        if self._chance.random() < habits.crash * (RARE_FACTOR if label == "append" else factor):
            self._tally.crashes[_place(label)] += 1
            return Order.CRASH
        if label != "polled" and self._is_out(actor, habits.fail * factor):
            self._tally.happened["failures of the world"] += 1
            return Order.FAIL
        if label not in BETWEEN and self._chance.random() < habits.restart:
            self._tally.restarts[SIMULATED] += 1
            return Order.RESTART
        return Order.GO

    def _is_out(self, actor: Actor, likely: float) -> bool:
        """A database or a log that is away stays away for a while."""
        left = self._outages.pop(actor, 0)
        if not left and self._chance.random() < likely:
            left = self._chance.randint(1, OUTAGE_STEPS_MAX)
        if left > 1:
            self._outages[actor] = left - 1
        return left > 0

    def _is_ambushed(self, actor: Actor) -> bool:
        if self._asleep and max(self._asleep.values()) > self._commits:
            return False  # one at a time: the others are to get on meanwhile
        factor = OPEN_FACTOR if actor.is_open else 1
        return self._chance.random() < self._habits.ambush * factor

    def _ambush(self, actor: Actor) -> None:
        """It stalls in the middle of what it does; others get its partitions, and work."""
        self._asleep[actor] = self._commits + self._chance.choice(
            (1, 2, 4, 8, UNTIL_IDLE, UNTIL_IDLE)
        )
        self._append(0 if self._holds_back or not actor.is_open else self._chance.randint(1, 3))
        for partition, owner in self._log.owners.items():
            self._log.show(partition)
            if owner is not None and owner is actor.consumer:
                self._give_away(partition, owner)
        self._wake()
        self._tally.happened["ambushes"] += 1


def _place(label: str) -> str:
    return {
        "polled": "between poll and landing",
        "commit": "before a commit",
        "committed": "after a commit",
        "append": "before the relay's append",
        "appended": "between the relay's append and its delete",
        "begin": "between transactions",
        "poll": "between transactions",
    }.get(label, "within a transaction")
