"""What two workers of one PostgreSQL may not do at once: the second waits, or leaves it alone."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ids import RecordKey
from services.identity.domain.ladder import Ladder
from services.identity.store import Member, RestartBatch, StoredEdge, StoredProfile, Transaction
from services.resolver.resolve.components import lock_members
from tests.contract.store_contract import (
    ANN,
    BEN,
    CAT,
    DAN,
    NOW,
    PROFILE,
    a_letter,
    add,
    fail_in_attempt,
)

WAITS_SECONDS = 0.3  # long enough to see that somebody waits
DONE_SECONDS_MAX = 20.0


@pytest.fixture
def stores(database_url: str) -> Iterator[tuple[SqlStore, SqlStore]]:
    found = SqlStore(database_url), SqlStore(database_url)
    yield found
    for each in found:
        each.close()


class Waiting(threading.Thread):
    """Another worker's transaction, which must wait for the one that is open here."""

    def __init__(self, store: SqlStore, work: Callable[[Transaction], object]) -> None:
        super().__init__()
        self._store = store
        self._work = work
        self.found: Any = None
        self.start()
        self.join(WAITS_SECONDS)
        assert self.is_alive(), f"it did not wait, and found {self.found}"

    def run(self) -> None:
        with self._store.transaction() as tx:
            self.found = self._work(tx)

    def result(self) -> Any:  # noqa: ANN401  # whatever its work found
        self.join(DONE_SECONDS_MAX)
        return self.found


def test_of_two_who_let_go_of_a_profile_the_second_sees_the_first(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    first, second = stores
    with first.transaction() as tx:
        ann, ben = add(tx, ANN, BEN)
        tx.put_profiles([StoredProfile(PROFILE, b"{}", 1, 1)], at=NOW)
        tx.put_memberships([Member(ann, ann, PROFILE), Member(ben, ben, PROFILE)])

    def let_go(tx: Transaction, record: int) -> object:
        tx.put_memberships([Member(record, record, None)])
        return tx.held_profiles([PROFILE], touched=[PROFILE])

    with first.transaction() as tx:
        assert let_go(tx, ann) == {PROFILE}
        after = Waiting(second, lambda other: let_go(other, ben))
    assert after.result() == frozenset()


def test_of_two_who_tell_of_a_key_the_second_knows_what_the_first_told(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    first, second = stores
    with first.transaction() as tx:
        assert tx.lock_generic([7]) == frozenset()
        tx.set_generic({7: True}, at=NOW)
        after = Waiting(second, lambda other: other.lock_generic([7]))
    assert after.result() == {7}


def test_a_component_that_became_part_of_another_meanwhile_is_not_locked(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    first, second = stores
    with first.transaction() as tx:
        ann, ben = add(tx, ANN, BEN)
    with first.transaction() as tx:
        assert tx.lock_components([ann, ben]) == {ann, ben}
        tx.put_memberships([Member(ben, ann, None)])
        after = Waiting(second, lambda other: other.lock_components([ben]))
    assert after.result() == frozenset()


def test_whose_component_merged_while_it_waited_looks_again_and_keeps_its_batch(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    """What it had locked is let go first, so that locks are taken in their order."""
    first, second = stores
    with first.transaction() as tx:
        ann, ben = add(tx, ANN, BEN)
    with first.transaction() as tx:
        tx.lock_components([ann, ben])
        tx.put_memberships([Member(ben, ann, None)])
        after = Waiting(
            second, lambda other: lock_members(other, frozenset({ben}), [], Ladder(floor=0))
        )
    assert after.result().members == {ann: Member(ann, ann, None), ben: Member(ben, ann, None)}


def test_who_meets_what_another_has_in_hand_leaves_it_with_whom_it_has_edges_to(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    first, second = stores
    eve = RecordKey("web", "user_id", "eve")
    with first.transaction() as tx:
        ann, ben, cat, dan, alone = add(tx, ANN, BEN, CAT, DAN, eve)
    every = frozenset({ann, ben, cat, dan, alone})
    found = [StoredEdge(ann, ben, 90, b""), StoredEdge(cat, dan, 90, b"")]
    with first.transaction() as tx:
        tx.lock_components([ann])
        with second.transaction() as other:
            assert other.lock_components([ann, ben], wait=False) == {ben}
        with second.transaction() as other:
            locked = lock_members(other, every, found, Ladder(floor=0), leavable=every)
    assert locked.left == {ann, ben}
    assert set(locked.members) == {cat, dan, alone}
    assert locked.found == found[1:]


def test_who_would_leave_most_of_a_batch_waits(stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    with first.transaction() as tx:
        ann, ben, cat = add(tx, ANN, BEN, CAT)
    every, found = frozenset({ann, ben, cat}), [StoredEdge(ann, ben, 90, b"")]
    with first.transaction() as tx:
        tx.lock_components([ann])
        after = Waiting(
            second,
            lambda other: lock_members(other, every, found, Ladder(floor=0), leavable=every),
        )
    assert after.result().left == frozenset()
    assert set(after.result().members) == every


def test_of_very_many_keys_nobody_else_tells_any(stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    with first.transaction() as tx:
        tx.lock_generic([7])
        after = Waiting(second, lambda other: other.lock_generic(range(10, 10_000)))
        tx.set_generic({7: True, 10: True}, at=NOW)
    assert after.result() == {10}


def test_two_may_tell_of_unlike_keys(stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    with first.transaction() as tx, second.transaction() as other:
        assert tx.lock_generic([7, 9]) == frozenset()
        assert other.lock_generic([8, 519]) == frozenset()


def test_what_an_attempt_locked_is_let_go_when_it_fails(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    first, second = stores
    with first.transaction() as tx:
        (ann,) = add(tx, ANN)
    with first.transaction() as tx:
        fail_in_attempt(tx, lambda: tx.lock_components([ann]))
        with second.transaction() as other:
            assert list(other.lock_record_numbers([ann], waits=False)) == [ann]
            assert other.lock_components([ann]) == {ann}


def test_what_another_holds_is_left_to_it(stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    with first.transaction() as tx:
        ann, ben = add(tx, ANN, BEN)
        tx.send([a_letter(b"a", b"1")])
        tx.set_aside([ann, ben], at=NOW)
    with first.transaction() as tx:
        assert len(tx.unsent(10)) == 1
        assert tx.take_set_aside() == ann
        tx.lock_record_numbers([ann])
        with second.transaction() as other:
            assert list(other.unsent(10)) == []
            assert other.take_set_aside() == ben
            with pytest.raises(RestartBatch):
                other.lock_record_numbers([ann], waits=False)
