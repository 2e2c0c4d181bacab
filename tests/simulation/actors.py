"""Actors: each lives on a thread of its own, and moves from step to step only when told to.

Whoever gives the orders decides everything that is left to chance; what runs between two steps is
the product's own code. Checked by tests/simulation/test_simulation.py.
"""

import threading
from collections.abc import Callable
from enum import Enum
from queue import Empty, SimpleQueue

from services.identity.domain.errors import RetryableError
from services.identity.store import RestartBatch
from tests.simulation.world import SimulatedConsumer

SIMULATED = "simulated"  # the text of every error that is injected
DONE = "done"


class Crashed(BaseException):
    """The process is gone: nothing of it may run on, so nothing may catch this."""


class Order(Enum):
    """What happens to an actor at the step where it waits."""

    GO = "go"
    CRASH = "crash"
    FAIL = "fail"  # the database or the log went away
    RESTART = "restart"  # the database chose it as the victim of a deadlock


class Actor:
    """`label` is the step where it waits, or, while it runs, the one that it left."""

    def __init__(self, name: str, life: Callable[["Actor"], None]) -> None:
        self.name = name
        self.label = ""
        self.verb = ""  # of the transaction it is in
        self.is_running = True
        self.is_done = False
        self.is_idle = False  # it found nothing to do, and nobody has done anything since
        self.is_open = False  # it has read what it may decide on, and holds no lock
        self.has_news = False  # it has just done something
        self.failure: BaseException | None = None
        self.backend: int | None = None  # the database's number of its connection
        self.is_victim = False  # its statement ends as that of the victim of a deadlock
        self.consumer: SimulatedConsumer | None = None
        self._is_crashed = False
        self._arrivals: SimpleQueue[str] = SimpleQueue()
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, args=(life,), name=name, daemon=True)
        self._thread.start()

    def _live(self, life: Callable[["Actor"], None]) -> None:
        try:
            life(self)
        except Crashed:
            pass
        except BaseException as error:  # noqa: BLE001  # carried to whoever gives the orders
            self.failure = error
        finally:
            self._arrivals.put(DONE)

    def step(self, label: str) -> None:
        """In the actor's own thread: wait here for an order."""
        if self._is_crashed:  # on the way out nothing more is done to the world
            raise Crashed
        self._arrivals.put(label)
        match self._orders.get():
            case Order.CRASH:
                self._is_crashed = True
                raise Crashed
            case Order.FAIL:
                raise RetryableError(SIMULATED)
            case Order.RESTART:
                raise RestartBatch(SIMULATED)
            case Order.GO:
                return

    def resume(self, order: Order) -> None:
        self.is_running = True
        self._orders.put(order)

    def has_arrived(self, *, seconds: float) -> bool:
        """Wait so long for the actor's next step, or its end."""
        try:
            self.label = self._arrivals.get(timeout=seconds)
        except Empty:
            return False
        self.is_running = False
        if self.label == DONE:
            self.is_done = True
            self._thread.join()
        return True
