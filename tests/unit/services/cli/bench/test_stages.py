from typing import cast

import pytest

from services.cli.bench.stages import STAGE_BEFORE, STAGE_OF, Stages, TimedStore
from services.identity.domain.ids import Micros
from services.identity.store import ResolverStore, RestartBatch, Transaction
from services.identity.store_marks import Half, Mark, MarkKind
from services.resolver.resolve.engine import Engine

MARK = Mark(1, MarkKind.MATCHING, 5, Micros(0))
LEFT = MARK._replace(seq=2, subject=6)


class Time:
    """A timer that only moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeTransaction:
    def __init__(self, time: Time) -> None:
        self._time = time

    def take_marks(self, marks_max: int, *, half: Half | None = None) -> list[Mark]:  # noqa: ARG002  # a Transaction's
        return [MARK, LEFT][:marks_max]

    def delete_marks(self, marks: list[Mark]) -> None: ...

    def add_keys(self, _: list[tuple[int, int]]) -> None:
        self._time.now += 2.0


class FakeStore:
    def __init__(self, time: Time | None = None) -> None:
        self.ends: list[str] = []
        self.time = time or Time()

    def transaction(self) -> "FakeStore":
        return self

    def __enter__(self) -> FakeTransaction:
        return FakeTransaction(self.time)

    def __exit__(self, kind: object, *_: object) -> None:
        self.time.now += 1.0
        self.ends.append("committed" if kind is None else "rolled back")


def timed(store: FakeStore, stages: Stages, marks: list[Mark]) -> TimedStore:
    return TimedStore(cast("ResolverStore", store), stages, marks.extend)


def test_a_call_belongs_to_its_stage_and_what_runs_before_it_to_the_stage_it_names() -> None:
    now = Time()
    stages = Stages(now)
    with timed(FakeStore(now), stages, []).transaction() as tx:
        now.now += 4.0
        tx.add_keys([(1, 2), (3, 4)])
    assert dict(stages.waiting) == {"standing": 0, "write land": 2.0, "commit": 1.0}
    assert stages.python["fold"] == 4.0
    assert stages.sizes["add_keys"] == 2


def test_the_stages_add_up_to_the_time_that_passed() -> None:
    now = Time()
    stages = Stages(now)
    with timed(FakeStore(now), stages, []).transaction() as tx:
        tx.add_keys([])
        now.now += 1.0
    assert sum(stages.python.values()) + sum(stages.waiting.values()) == now.now
    table = stages.table(2)
    assert table["write land"] == {"percent": 50.0, "python_us": 0.0, "waiting_us": 1e6}
    assert sum(row["percent"] for row in table.values()) == 100


def test_waiting_for_the_other_thread_is_no_stage() -> None:
    now = Time()
    stages = Stages(now, idle_before="begin")
    for _ in range(2):
        now.now += 6.0
        with timed(FakeStore(now), stages, []).transaction() as tx:
            tx.add_keys([])
    assert stages.idle == 12.0
    assert stages.busy_percent() == 33
    assert sum(stages.python.values()) + sum(stages.waiting.values()) == 6.0


def test_a_call_inside_another_belongs_to_the_outer_one() -> None:
    now = Time()
    stages = Stages(now)
    inner = stages.timed("next_offsets", lambda: None)
    stages.timed("poll", inner)()
    assert set(stages.waiting) == {"poll"}


def test_marks_are_resolved_when_their_transaction_commits() -> None:
    store, marks = FakeStore(), list[Mark]()
    with timed(store, Stages(), marks).transaction() as tx:
        tx.delete_marks(tx.take_marks(10)[:1])  # the other one is left to a later batch
        assert marks == []
    assert (store.ends, marks) == (["committed"], [MARK])


def test_marks_of_a_batch_that_starts_again_are_not() -> None:
    store, marks = FakeStore(), list[Mark]()

    def batch() -> None:
        with timed(store, Stages(), marks).transaction() as tx:
            tx.delete_marks(tx.take_marks(10))
            raise RestartBatch

    with pytest.raises(RestartBatch):
        batch()
    assert (store.ends, marks) == (["rolled back"], [])


def test_every_stage_is_of_a_call_that_exists() -> None:
    calls = {name for name in dir(Transaction) if not name.startswith("_")}
    others = {"poll", "append", "begin", "commit", "derive", "score", "weigh", "evaluate"}
    assert (STAGE_OF.keys() | STAGE_BEFORE.keys()) - calls - others == set()
    assert hasattr(Engine, "score")
    assert hasattr(Engine, "weigh")
