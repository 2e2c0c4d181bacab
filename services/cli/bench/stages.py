"""Where a worker's time goes, told from outside: its ports are wrapped, its code is not touched.

Every call of the store, the log, the deriver, the scorer and the segment evaluator is timed as its
stage. What runs between two calls is Python; it belongs to the stage that the next call names.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from services.identity.ports import Consumer, EventLog, Producer
from services.identity.store import Reading, ResolverStore, Transaction
from services.identity.store_marks import Mark
from services.resolver.derive import Deriver
from services.resolver.resolve.engine import Engine
from services.resolver.standing import Standing

_CALLS = {
    "poll": "poll",
    "begin sources active_versions model_document ruleset_document segment_documents"
    " value_words": "standing",
    "lock_records new_record_numbers lock_record_numbers events_of": "lock and read records",
    "derive": "derive features and keys",
    "add_dedupe update_dedupe add_records update_records update_states add_keys remove_keys"
    " mark add_events add_account_rows remove_account_rows"
    " remove_events advance_offsets add_decisions add_value_words": "write land",
    "take_marks take_marks_near delete_marks": "marks",
    "holders holders_of generic_among lock_generic set_generic generic_keys": "candidates",
    "comparables": "read candidates",
    "records": "read members",
    "score weigh": "score",
    "memberships lock_components members edges_among versions decisions_among"
    " records_decided reviewed_among": "lock and read components",
    "remove_edges put_edges put_memberships review put_profiles leave enter set_aside"
    " clear_set_aside take_set_aside": "write resolve",
    "profiles held_profiles": "read profiles",
    "segments_of evaluate": "segments",
    "pair_vectors put_pair_vectors": "pairs kept",
    "replace_reviews": "write resolve",
    "lay_out_later take_layouts clear_layouts": "lay out",
    "places_around places_in links_among put_places": "lay out",
    "send unsent delete_sent append": "outbox",
    "commit": "commit",
    "oldest_mark next_offsets set_progress": "progress",
}
_BEFORE = {
    "lock_records": "decode and interpret",
    "new_record_numbers add_dedupe update_dedupe derive add_records update_records"
    " update_states add_keys remove_keys add_account_rows remove_account_rows mark"
    " add_events": "fold",
    "holders generic_among comparables": "candidates",
    "records score memberships remove_edges put_edges": "pairs and edges",
    "pair_vectors put_memberships replace_reviews": "cluster",
    "put_pair_vectors weigh": "pairs kept",
    "lay_out_later decisions_among": "pairs and edges",
    "profiles held_profiles segments_of evaluate put_profiles": "build profiles",
    "leave enter": "segments",
    "send": "outbox",
}
STAGE_OF = {call: stage for calls, stage in _CALLS.items() for call in calls.split()}
STAGE_BEFORE = {call: stage for calls, stage in _BEFORE.items() for call in calls.split()}
OTHER = "other"
_IN_PYTHON = frozenset({"derive", "score", "weigh", "evaluate"})


class Stages:
    """Seconds by stage, and how many things the calls were about. Of one thread.

    What passes before the call named `idle_before`, with which a turn of the thread begins, is time
    in which it waited for the other thread: it belongs to no stage.
    """

    def __init__(
        self, timer: Callable[[], float] = time.perf_counter, *, idle_before: str | None = None
    ) -> None:
        self._timer = timer
        self._idle_before = idle_before
        self._is_inside = False
        self.start()

    def start(self) -> None:
        """Forget everything; the time counts from here."""
        self.python: defaultdict[str, float] = defaultdict(float)
        self.waiting: defaultdict[str, float] = defaultdict(float)
        self.sizes: Counter[str] = Counter()
        self.idle = 0.0
        self._until = self._timer()

    def timed(self, name: str, call: Callable[..., Any], *, size_of: int = 0) -> Callable[..., Any]:
        """The same call, timed; `size_of` is the place of the argument that is counted."""
        spent = self.python if name in _IN_PYTHON else self.waiting

        def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # whatever the port says
            if self._is_inside:
                return call(*args, **kwargs)
            begun = self._timer()
            if name == self._idle_before:
                self.idle += begun - self._until
            else:
                self.python[STAGE_BEFORE.get(name, OTHER)] += begun - self._until
            self._is_inside = True
            try:
                return call(*args, **kwargs)
            finally:
                self._is_inside = False
                self._until = self._timer()
                spent[STAGE_OF.get(name, name)] += self._until - begun
                if len(args) > size_of and isinstance(args[size_of], Sized):
                    self.sizes[name] += len(args[size_of])

        return run

    def shadow(self, owner: object, name: str, *, size_of: int = 0) -> None:
        """Time a method of this one object from now on."""
        if name not in vars(owner):
            setattr(owner, name, self.timed(name, getattr(owner, name), size_of=size_of))

    def copy(self) -> "Stages":
        other = Stages(self._timer)
        other.python, other.waiting = self.python.copy(), self.waiting.copy()
        other.sizes, other.idle = self.sizes.copy(), self.idle
        return other

    def busy_percent(self) -> int:
        """Of the time that passed, what was not spent waiting for the other thread."""
        busy = sum(self.python.values()) + sum(self.waiting.values())
        return round(busy / ((busy + self.idle) or 1.0) * 100)

    def table(self, messages: int) -> Mapping[str, Mapping[str, float]]:
        """Per stage its share of the time, and microseconds a message in Python and in waiting."""
        total = sum(self.python.values()) + sum(self.waiting.values()) or 1.0
        spent = {
            stage: (self.python[stage], self.waiting[stage])
            for stage in {*self.python, *self.waiting}
        }
        return {
            stage: {
                "percent": round(sum(both) / total * 100, 1),
                "python_us": round(both[0] / messages * 1e6, 1),
                "waiting_us": round(both[1] / messages * 1e6, 1),
            }
            for stage, both in sorted(spent.items(), key=lambda each: -sum(each[1]))
        }


@dataclass(frozen=True, slots=True)
class Threads:
    """A worker's: their times go on side by side, so that together they exceed the clock's."""

    landing: Stages = field(default_factory=lambda: Stages(idle_before="poll"))
    resolving: Stages = field(default_factory=lambda: Stages(idle_before="begin"))
    second: Stages = field(default_factory=lambda: Stages(idle_before="begin"))

    def start(self) -> None:
        for each in (self.landing, self.resolving, self.second):
            each.start()

    def busy(self) -> Mapping[str, int]:
        """In percent, how much of the time each was at work."""
        return {
            "landing": self.landing.busy_percent(),
            "resolving": self.resolving.busy_percent(),
            "second": self.second.busy_percent(),
        }

    def all(self) -> Stages:
        total = self.resolving.copy()
        for each in (self.landing, self.second):
            total.idle += each.idle
            for mine, theirs in ((total.python, each.python), (total.waiting, each.waiting)):
                for stage, seconds in theirs.items():
                    mine[stage] += seconds
            total.sizes += each.sizes
        return total


@dataclass
class TimedStanding(Standing):
    """A worker's tools, timed; those of its other thread tell `others`."""

    stages: Stages = field(default_factory=Stages)
    others: Stages = field(default_factory=Stages)

    def another(self) -> Standing:
        return TimedStanding(stages=self.others)

    def deriver(self, *args: Any, **kwargs: Any) -> Deriver:  # noqa: ANN401  # handed on as it is
        deriver = super().deriver(*args, **kwargs)
        self.stages.shadow(deriver, "derive")
        return deriver

    def engine(self, tx: Reading) -> Engine:
        engine = super().engine(tx)
        self.stages.shadow(engine, "score", size_of=1)
        self.stages.shadow(engine, "weigh", size_of=2)
        self.stages.shadow(engine.evaluator, "evaluate")
        return engine


class _Timed:
    """Any port, each of its calls timed."""

    def __init__(self, port: object, stages: Stages) -> None:
        self._port = port
        self._stages = stages

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the port has
        found = getattr(self._port, name)
        return self._stages.timed(name, found) if callable(found) else found


class TimedTransaction(_Timed):
    """Remembers the marks that its commit resolves."""

    marks: Sequence[Mark] = ()

    def delete_marks(self, marks: Sequence[Mark]) -> None:
        self._stages.timed("delete_marks", self._port.delete_marks)(marks)  # type: ignore[attr-defined]  # a Transaction
        self.marks = marks


class TimedStore(_Timed):
    """`resolved` is called after each commit that resolved marks."""

    def __init__(
        self, store: ResolverStore, stages: Stages, resolved: Callable[[Sequence[Mark]], None]
    ) -> None:
        super().__init__(store, stages)
        self._store = store
        self._resolved = resolved

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        manager = self._store.transaction()
        timed = TimedTransaction(self._stages.timed("begin", manager.__enter__)(), self._stages)
        try:
            yield cast("Transaction", timed)
        except BaseException:
            manager.__exit__(*sys.exc_info())
            raise
        self._stages.timed("commit", manager.__exit__)(None, None, None)
        if timed.marks:
            self._resolved(timed.marks)


class TimedLog(_Timed):
    """The log, with its consumer's polls and its producer's appends timed."""

    def __init__(self, log: EventLog, stages: Stages) -> None:
        super().__init__(log, stages)
        self._log = log

    def consumer(self, **kwargs: Any) -> Consumer:  # noqa: ANN401  # handed on as it is
        return cast("Consumer", _Timed(self._log.consumer(**kwargs), self._stages))

    def producer(self) -> Producer:
        return cast("Producer", _Timed(self._log.producer(), self._stages))
