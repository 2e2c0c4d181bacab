"""What the resolver may rely on, whichever store it works with. Each store's test subclasses this.

A subclass gives `store`: with two sources (web; billing, which is unique), the active model "m1",
the active rules "r1" and one segment.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast
from uuid import UUID

import pytest

from services.identity.domain.accounts import (
    AccountId,
    AccountType,
    account_id_of,
    account_name,
    mark_of,
)
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId, profile_id_of
from services.identity.domain.record import EMPTY, RecordState
from services.identity.domain.steward import Decision, Verdict
from services.identity.domain.value_word import ValueVerdict
from services.identity.ports import OutgoingMessage, Partition, Position
from services.identity.store import (
    ActiveVersions,
    Comparable,
    DedupeEntry,
    Interval,
    LostPartition,
    Member,
    ReadableStore,
    ResolverStore,
    RestartBatch,
    ReviewItem,
    StoredEdge,
    StoredEvent,
    StoredProfile,
    StoredRecord,
    Transaction,
)
from services.identity.store_accounts import AccountRow
from services.identity.store_marks import Half, Mark, MarkKind
from services.identity.wire.commands import decide, mark_value, withdraw

ANN, BEN, CAT, DAN = (RecordKey("web", "user_id", name) for name in ("ann", "ben", "cat", "dan"))
FIRST, SECOND = UUID(int=1), UUID(int=2)
NOW, LATER = Micros(1_000), Micros(2_000)
PROFILE = profile_id_of(ANN)
OTHER = profile_id_of(BEN)
SEGMENT = SegmentId("loyal")


JOINT, HOUSE, NOBODYS = (
    account_id_of(account_name(AccountType.BILLING, "shop", value)) for value in ("1", "2", "3")
)


def _by_uid(row: tuple[AccountId, RecordKey]) -> tuple[str, str]:
    return row[0], profile_id_of(row[1])


class Interrupted(Exception):  # noqa: N818  # stands for whatever goes wrong in a transaction
    """Something went wrong."""


def a_record(number: int, key: RecordKey, *, version: int = 1, events: int = 1) -> StoredRecord:
    state = RecordState(events=events)
    return StoredRecord(number, key, state, b"{}", (7, 8), version)


def add(tx: Transaction, *keys: RecordKey) -> list[int]:
    """Records that were not there, by number."""
    numbers = list(tx.new_record_numbers(len(keys)))
    tx.add_records([a_record(n, key) for n, key in zip(numbers, keys, strict=True)])
    return numbers


def fail_in_attempt(tx: Transaction, work: Callable[[], object]) -> None:
    with suppress(RestartBatch), tx.attempt():
        work()
        raise RestartBatch("something changed")


def an_entry(event_id: UUID, *, at: Micros = NOW, copies: int = 1) -> DedupeEntry:
    return DedupeEntry(event_id, at, b"h" * 16, 1, copies)


def a_decision(left: Sequence[RecordKey], right: Sequence[RecordKey]) -> Decision:
    return decide(Verdict.SAME, left, right, decided_at=NOW, by="steward", reason="seen")


def a_letter(key: bytes, value: bytes) -> OutgoingMessage:
    return OutgoingMessage(topic="profile-changes", key=key, value=value)


class StoreContract:
    """Subclass it, and give `store`."""

    # records

    def test_a_record_is_read_as_it_was_written(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            (number,) = add(tx, ANN)
        with store.transaction() as tx:
            found = tx.lock_records([ANN, BEN])
            assert found == {ANN: tx.records([number])[number]}
            assert tx.lock_record_numbers([number, number + 999]) == {number: found[ANN]}
        assert (found[ANN].key, found[ANN].version) == (ANN, 1)
        assert found[ANN].state == RecordState(events=1)
        assert (found[ANN].features, list(found[ANN].keys)) == (b"{}", [7, 8])

    def test_record_numbers_are_never_given_twice(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            first = list(tx.new_record_numbers(3))
            assert tx.new_record_numbers(0) in ((), [])
        with store.transaction() as tx:
            assert len({*first, *tx.new_record_numbers(2)}) == 5

    def test_a_record_added_twice_sends_the_batch_back(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            add(tx, ANN)
        with pytest.raises(RestartBatch), store.transaction() as tx:
            add(tx, BEN, ANN)
        with store.transaction() as tx:
            assert set(tx.lock_records([ANN, BEN])) == {ANN}

    def test_a_new_record_is_a_component_of_its_own(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            (number,) = add(tx, ANN)
            assert tx.memberships([number]) == {number: Member(number, number, None)}

    def test_an_update_changes_state_features_keys_and_version(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            (number,) = add(tx, ANN)
            changed = StoredRecord(number, ANN, EMPTY, b"f", (), 2)
            tx.update_records([changed])
            found = tx.records([number])[number]
            assert (found.state, found.features, list(found.keys)) == (EMPTY, b"f", [])
            assert tx.versions([number, number + 999]) == {number: 2}
            assert tx.comparables([number, number + 999]) == {
                number: Comparable(number, ANN, b"f", 2)
            }

    def test_states_are_updated_alone(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            before = tx.records([ann, ben])
            tx.update_states([before[n]._replace(state=EMPTY, version=7) for n in (ben, ann)])
            for number, found in tx.records([ann, ben]).items():
                assert (found.state, found.version) == (EMPTY, 7)
                assert (found.features, list(found.keys)) == (
                    before[number].features,
                    list(before[number].keys),
                )

    def test_all_record_numbers_are_listed_in_order(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            numbers = add(tx, ANN, BEN, CAT)
        assert [n for batch in store.record_numbers() for n in batch] == sorted(numbers)

    def test_a_record_is_found_by_the_id_that_it_gives_a_profile(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            (number,) = add(tx, ANN)
            assert tx.record_behind(profile_id_of(ANN)) == number
            assert tx.record_behind(profile_id_of(BEN)) is None

    def test_a_reading_sees_what_is_committed(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            (number,) = add(tx, ANN)
        with cast("ReadableStore", store).reading() as reading:
            assert reading.active_versions() == ActiveVersions("m1", "r1")
            assert reading.records([number])[number].key == ANN

    # dedupe and events

    def test_dedupe_gives_back_what_was_there(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            assert tx.add_dedupe([an_entry(FIRST)]) == {}
        with store.transaction() as tx:
            before = tx.add_dedupe([an_entry(SECOND), an_entry(FIRST, at=LATER)])
            assert before == {FIRST: an_entry(FIRST)}
            assert tx.add_dedupe([an_entry(SECOND, at=LATER)]) == {SECOND: an_entry(SECOND)}

    def test_a_better_copy_replaces_the_entry(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.add_dedupe([an_entry(FIRST, at=LATER)])
            tx.update_dedupe([an_entry(FIRST, at=NOW, copies=2)])
            tx.update_dedupe([])
            assert tx.add_dedupe([an_entry(FIRST)])[FIRST] == an_entry(FIRST, copies=2)

    def test_events_come_by_record_time_and_id(self, store: ResolverStore) -> None:
        events = [
            StoredEvent(2, NOW, FIRST, b"d", 3, 2**40),
            StoredEvent(1, LATER, FIRST, b"c", 0, 7),
            StoredEvent(1, NOW, SECOND, b"b", 0, 7),
            StoredEvent(1, NOW, FIRST, b"a", 0, 7),
        ]
        with store.transaction() as tx:
            tx.add_events(events)
            tx.add_events([])
            assert list(tx.events_of([2, 1, 3])) == events[::-1]
            tx.remove_events([(1, NOW, SECOND), (1, LATER, SECOND), (9, NOW, FIRST)])
            assert [e.body for e in tx.events_of([1])] == [b"a", b"c"]

    # keys

    def test_holders_are_bounded_by_one_more_than_asked(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.add_keys([(5, record) for record in (4, 2, 3, 1)] + [(-6, 9)])
            tx.add_keys([])
            held = tx.holders({5: 2, -6: 0, 77: 2})
            assert {key: list(records) for key, records in held.items()} == {
                5: [1, 2, 3],
                -6: [9],
            }
            assert sorted(tx.holders_of(5)) == [1, 2, 3, 4]
            tx.remove_keys([(5, 1), (5, 99)])
            tx.remove_keys([])
            assert list(tx.holders({5: 10})[5]) == [2, 3, 4]
            tx.remove_keys([(-6, 9)])
            assert -6 not in tx.holders({-6: 10})

    def test_generic_keys_are_told_and_taken_back(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            assert tx.lock_generic([1, -2]) == frozenset()
            tx.set_generic({1: True, -2: True, 3: False}, at=NOW)
        with store.transaction() as tx:
            assert tx.generic_among([1, -2, 3, 4]) == {1, -2}
            tx.set_generic({1: False, -2: True}, at=LATER)
            assert tx.lock_generic([1, -2]) == {-2}

    # accounts

    def test_rows_of_accounts_are_added_once_and_removed(self, store: ResolverStore) -> None:
        rows = [AccountRow(JOINT, 2, "user"), AccountRow(JOINT, 1, "user")]
        with store.transaction() as tx:
            tx.add_account_rows([*rows, AccountRow(HOUSE, 2, "resident")])
            tx.add_account_rows([rows[0], AccountRow(JOINT, 1, "holder")])
        with store.transaction() as tx:
            found = tx.account_rows([JOINT, HOUSE, NOBODYS], rows_max=5)
            assert {each: list(own) for each, own in found.items()} == {
                JOINT: [AccountRow(JOINT, 1, "holder"), rows[1], rows[0]],
                HOUSE: [AccountRow(HOUSE, 2, "resident")],
            }
            assert len(tx.account_rows([JOINT], rows_max=1)[JOINT]) == 2
            tx.remove_account_rows([rows[1], AccountRow(HOUSE, 9, "resident")])
            assert [row.role for row in tx.account_rows([JOINT], rows_max=5)[JOINT]] == [
                "holder",
                "user",
            ]

    def test_accounts_are_found_by_their_marks(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.add_account_rows([AccountRow(JOINT, 1, "user"), AccountRow(HOUSE, 2, "user")])
            assert list(tx.accounts_at([mark_of(each) for each in (JOINT, NOBODYS)])) == [JOINT]
            assert list(tx.accounts_at([])) == []
            tx.mark_account(JOINT, NOW)
            assert [(m.kind, m.subject) for m in tx.take_marks(9)] == [(MarkKind.TRAITS, 1)]

    def test_crowds_are_told_and_taken_back(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            assert tx.lock_crowds([JOINT, HOUSE]) == frozenset()
            tx.set_crowds({JOINT: True, HOUSE: False})
            tx.set_crowds({JOINT: True})
        with store.transaction() as tx:
            assert tx.crowds_among([JOINT, HOUSE]) == {JOINT}
            tx.set_crowds({JOINT: False})
            assert tx.lock_crowds([JOINT]) == frozenset()

    def test_records_are_found_by_profile(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            tx.put_memberships([Member(ann, ann, PROFILE), Member(ben, ben, PROFILE)])
            assert tx.records_in([PROFILE, OTHER]) == {PROFILE: sorted([ann, ben])}

    def test_accounts_are_read_whole_by_account_and_record(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            cat, ann = add(tx, CAT, ANN)
            tx.add_account_rows(
                [AccountRow(account, n, "user") for account in (JOINT, HOUSE) for n in (cat, ann)]
            )
        with store.snapshot() as snapshot:
            expected = sorted(((a, k) for a in (JOINT, HOUSE) for k in (ANN, CAT)), key=_by_uid)
            assert [(a, k) for a, k, _ in snapshot.accounts()] == expected

    def test_the_first_records_are_those_of_the_smallest_hashes(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            keys = (CAT, RecordKey("app", "user_id", "ann"), ANN, BEN)
            numbers = dict(zip(keys, add(tx, *keys), strict=True))
        of_web = sorted((key for key in numbers if key.source == ANN.source), key=profile_id_of)
        with store.snapshot() as snapshot:
            assert snapshot.record_count({ANN.source}) == len(of_web)
            assert snapshot.record_count({"nobody"}) == 0
            first = snapshot.first_records({ANN.source}, records_max=len(of_web) - 1)
            assert list(first) == [numbers[key] for key in of_web[:-1]]

    # marks

    def test_marks_only_add_up_and_come_in_order(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.mark([(MarkKind.MATCHING, 1, NOW), (MarkKind.MATCHING, 1, NOW)])
            tx.mark(iter([(MarkKind.KEY, -9, LATER), (MarkKind.TRAITS, 2, LATER)]))
            tx.mark([])
        assert store.pending_work() == 4
        with store.transaction() as tx:
            marks = tx.take_marks(3)
            assert tx.oldest_mark() == NOW
        assert [(m.kind, m.subject, m.since) for m in marks] == [
            (MarkKind.MATCHING, 1, NOW),
            (MarkKind.MATCHING, 1, NOW),
            (MarkKind.KEY, -9, LATER),
        ]
        assert [m.seq for m in marks] == sorted({m.seq for m in marks})

    def test_exactly_the_marks_taken_are_deleted(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.mark([(MarkKind.MATCHING, 1, NOW), (MarkKind.MATCHING, 2, NOW)])
            taken = tx.take_marks(1)
            tx.mark([(MarkKind.MATCHING, 1, LATER)])
            tx.delete_marks(taken)
            left = tx.take_marks(10)
        assert [(m.subject, m.since) for m in left] == [(2, NOW), (1, LATER)]

    def test_marks_near_records_are_those_of_who_stands_with_them_or_shares_a_key(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            numbers = ann, ben, cat, dan = add(tx, ANN, BEN, CAT, DAN)
            tx.add_keys([(7, ann), (7, ben), (8, ann), (8, cat), (9, dan)])
            tx.set_generic({8: True}, at=NOW)
            tx.mark((MarkKind.MATCHING, number, NOW) for number in numbers)
            tx.mark([(MarkKind.KEY, ben, NOW)])
        with store.transaction() as tx:
            found = tx.take_marks_near([ann], marks_max=9)
            assert [m.subject for m in found] == [ann, ben]
            assert [m.subject for m in tx.take_marks_near([ann], marks_max=1)] == [ann]
            tx.put_memberships([Member(n, ann, None) for n in (ann, dan)])
            assert [m.subject for m in tx.take_marks_near([ann], marks_max=9)] == [ann, ben, dan]
            assert list(tx.take_marks_near([], marks_max=9)) == []

    def test_what_fails_in_an_attempt_is_taken_back_and_nothing_else(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            tx.mark([(MarkKind.MATCHING, 1, NOW)])
            with tx.attempt():
                tx.mark([(MarkKind.MATCHING, 2, NOW)])
            fail_in_attempt(tx, lambda: tx.mark([(MarkKind.MATCHING, 3, NOW)]))
            tx.mark([(MarkKind.MATCHING, 4, NOW)])
        with store.transaction() as tx:
            assert [m.subject for m in tx.take_marks(9)] == [1, 2, 4]

    def test_two_take_half_of_the_marks_each_by_component(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben, cat = add(tx, ANN, BEN, CAT)
            tx.put_memberships([Member(cat, ben, None)])
            tx.mark([(MarkKind.MATCHING, number, NOW) for number in (cat, ben, ann)])
            tx.mark([(MarkKind.KEY, key, NOW) for key in (-9, -8)])
            found = {half: [m.subject for m in tx.take_marks(9, half=half)] for half in Half}
            mine, theirs = found[Half(ann & 1)], found[Half(ben & 1)]
            assert [n for n in mine if n > 0] == [ann]
            assert [n for n in theirs if n > 0] == [cat, ben]
            assert -9 in found[Half.ODD]
            assert -8 in found[Half.EVEN]
            assert [m.subject for m in tx.take_marks(1, half=Half(ben & 1))] == [cat]

    def test_without_marks_nothing_is_dirty(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            assert list(tx.take_marks(10)) == []
            assert tx.oldest_mark() is None
            tx.delete_marks([Mark(99, MarkKind.KEY, 1, NOW)])
        with store.snapshot() as snapshot:
            assert snapshot.is_clean()

    # stewards' decisions

    def test_decisions_are_kept_once_and_found_by_the_records_they_name(
        self, store: ResolverStore
    ) -> None:
        same, other = a_decision([ANN], [BEN]), a_decision([BEN], [CAT, DAN])
        with store.transaction() as tx:
            ann, ben, cat = add(tx, ANN, BEN, CAT)
            assert list(tx.decisions_among([ann, ben])) == []
            first = tx.add_decisions([same, same])
            assert len(first) == 1
            assert tx.add_decisions([]) in ((), [])
        with store.transaction() as tx:
            (second,) = tx.add_decisions([other, same])
            assert list(tx.decisions_among([ann])) == [same]
            assert list(tx.decisions_among([ben])) == sorted([same, other], key=lambda d: d.id)
            assert list(tx.decisions_among([cat, 999])) == [other]
            assert sorted(tx.records_decided(first)) == sorted([ann, ben])
            assert sorted(tx.records_decided([second])) == sorted([ben, cat])

    @pytest.mark.parametrize("comes_first", [True, False], ids=["before", "after"])
    def test_a_withdrawn_decision_is_found_no_more(
        self, store: ResolverStore, *, comes_first: bool
    ) -> None:
        same = a_decision([ANN], [BEN])
        gone = withdraw(same.id, decided_at=LATER, by="steward", reason="a mistake")
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            tx.add_decisions([gone if comes_first else same])
        with store.transaction() as tx:
            (number,) = tx.add_decisions([same if comes_first else gone])
            assert list(tx.decisions_among([ann, ben])) == []
            assert sorted(tx.records_decided([number])) == sorted([ann, ben])

    def test_decisions_are_listed_the_latest_first(self, store: ResolverStore) -> None:
        same, other = (
            decide(Verdict.SAME, [ANN], [each], decided_at=at, by="steward", reason="seen")
            for each, at in ((BEN, NOW), (CAT, LATER))
        )
        gone = withdraw(same.id, decided_at=LATER, by="steward", reason="a mistake")
        with store.transaction() as tx:
            tx.add_decisions([same, other, gone])
            assert tx.decision(same.id) == (same, gone)
            assert tx.decision(other.id) == (other, None)
            assert tx.decision(gone.id) is None
            assert list(tx.decisions_listed(before=None, decisions_max=9)) == [
                (other, None),
                (same, gone),
            ]
            place = (other.decided_at, other.id)
            assert list(tx.decisions_listed(before=place, decisions_max=9)) == [(same, gone)]
            assert list(tx.decisions_listed(before=None, decisions_max=1)) == [(other, None)]

    def test_words_on_values_are_kept_once_and_the_latest_is_told(
        self, store: ResolverStore
    ) -> None:
        first, again, tie, other = (
            mark_value(("phone", "*", value), verdict, decided_at=at, by="steward", reason=why)
            for value, verdict, at, why in (
                ("+44", ValueVerdict.GENERIC, NOW, "seen"),
                ("+44", ValueVerdict.COUNTED, LATER, "seen"),
                ("+44", ValueVerdict.NOT_GENERIC, LATER, "seen, too"),
                ("+45", ValueVerdict.NOT_GENERIC, NOW, "seen"),
            )
        )
        with store.transaction() as tx:
            before = tx.active_versions()
            assert list(tx.add_value_words([first, first])) == [first.key]
            assert list(tx.add_value_words([first])) == []
        with store.transaction() as tx:
            keys = tx.add_value_words([again, tie, other])
            assert list(keys) == sorted({first.key, other.key})
            wins = min(again, tie, key=lambda each: each.id)
            expected = sorted([wins, other], key=lambda each: each.key)
            assert list(tx.value_words()) == expected
            after = tx.active_versions()
        assert before is not None
        assert after is not None
        assert before.value_words != after.value_words

    # offsets

    def test_offsets_move_by_compare_and_set(self, store: ResolverStore) -> None:
        here = Partition("channel-events", 1)
        with store.transaction() as tx:
            tx.advance_offsets("resolver", [(0, Position(here, 5))])
        with store.transaction() as tx:
            tx.advance_offsets("resolver", [(5, Position(here, 9))])
            assert tx.next_offsets("resolver") == {("channel-events", 1): 9}
            assert tx.next_offsets("other") == {}

    @pytest.mark.parametrize("expected", [0, 4, 6])
    def test_a_moved_offset_loses_the_partition(self, store: ResolverStore, expected: int) -> None:
        here = Partition("channel-events", 0)
        with store.transaction() as tx:
            tx.advance_offsets("resolver", [(0, Position(here, 5))])
        with pytest.raises(LostPartition):
            _mark_and_advance(store, expected=expected, position=Position(here, 9))
        assert store.pending_work() == 0

    def test_no_offset_moves_where_one_of_several_was_moved(self, store: ResolverStore) -> None:
        one, other = (Partition("channel-events", index) for index in (0, 1))
        with store.transaction() as tx:
            tx.advance_offsets("resolver", [(0, Position(one, 5)), (0, Position(other, 6))])
        with pytest.raises(LostPartition), store.transaction() as tx:
            tx.advance_offsets("resolver", [(5, Position(one, 9)), (5, Position(other, 9))])
        with store.transaction() as tx:
            assert set(tx.next_offsets("resolver").values()) == {5, 6}

    def test_progress_is_noted_again_and_again(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.set_progress("resolver", as_of="channel-events:0:5", pending_since=NOW, at=NOW)
            tx.set_progress("resolver", as_of="channel-events:0:9", pending_since=None, at=LATER)

    # components and edges

    def test_components_are_read_whole(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben, cat = add(tx, ANN, BEN, CAT)
            assert tx.lock_components([ann, ben, 999]) == {ann, ben}
            tx.put_memberships([Member(ann, ann, PROFILE), Member(ben, ann, PROFILE)])
            assert tx.lock_components([ann, ben]) == {ann}
            tx.put_memberships([])
        with store.transaction() as tx:
            assert set(tx.members([ann, ann])) == {
                Member(ann, ann, PROFILE),
                Member(ben, ann, PROFILE),
            }
            assert list(tx.members([ben])) == []
            assert tx.memberships([ben, cat, 999]) == {
                ben: Member(ben, ann, PROFILE),
                cat: Member(cat, cat, None),
            }

    def test_edges_are_replaced_by_removing_them_first(self, store: ResolverStore) -> None:
        old, new = StoredEdge(1, 2, 5, b"old"), StoredEdge(1, 2, -6, b"new")
        other = StoredEdge(2, 3, 7, b"other")
        with store.transaction() as tx:
            tx.put_edges([old, other])
            tx.put_edges([])
            assert set(tx.edges_among([1, 2, 3])) == {old, other}
            tx.remove_edges([(1, 2), (1, 3)])
            tx.remove_edges([])
            tx.put_edges([new])
            assert list(tx.edges_among([1])) == [new]

    def test_pair_vectors_are_kept_by_component_until_replaced_or_gone(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            tx.put_pair_vectors({1: b"one", 2: b"two"}, gone=[7])
            assert tx.pair_vectors([1, 2, 3]) == {1: b"one", 2: b"two"}
        with store.transaction() as tx:
            tx.put_pair_vectors({1: b"other"}, gone=[2])
        with store.transaction() as tx:
            assert tx.pair_vectors([1, 2]) == {1: b"other"}
            tx.put_pair_vectors({}, gone=[1])
            assert tx.pair_vectors([1]) == {}

    def test_a_component_that_is_set_aside_keeps_the_store_unclean(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            assert tx.take_set_aside() is None
            tx.set_aside([ben, ann], at=NOW)
            tx.set_aside([ann], at=LATER)
        assert store.pending_work() == 2
        with store.snapshot() as snapshot:
            assert not snapshot.is_clean()
        with store.transaction() as tx:
            assert tx.take_set_aside() == ann
            tx.clear_set_aside([ann, 999])
        with store.transaction() as tx:
            assert tx.take_set_aside() == ben
            tx.clear_set_aside([ben])
        with store.snapshot() as snapshot:
            assert snapshot.is_clean()

    def test_edges_are_found_from_either_end(self, store: ResolverStore) -> None:
        one, two = StoredEdge(1, 2, 5, b"one"), StoredEdge(2, 3, 6, b"two", joined=True)
        with store.transaction() as tx:
            tx.put_edges([one, two, StoredEdge(4, 5, 7, b"far")])
            assert set(tx.edges_of([2, 3])) == {one, two}
            assert list(tx.edges_of([3])) == [two]
            assert list(tx.edges_of([])) == []
            tx.remove_edges([(2, 3)])
            assert list(tx.edges_of([3])) == []

    def test_records_around_which_a_set_is_to_be_cut_anew_keep_the_store_unclean(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            assert list(tx.take_layouts(10)) == []
            tx.lay_out_later([7, 5, 6], at=NOW)
            tx.lay_out_later([5], at=LATER)
            tx.lay_out_later([], at=LATER)
        assert store.pending_work() == 3
        with store.snapshot() as snapshot:
            assert not snapshot.is_clean()
        with store.transaction() as tx:
            assert sorted(tx.take_layouts(2)) == [5, 6]
            tx.clear_layouts([5, 6, 9])
        with store.transaction() as tx:
            assert list(tx.take_layouts(2)) == [7]
            tx.clear_layouts([7])
        with store.snapshot() as snapshot:
            assert snapshot.is_clean()

    def test_a_set_is_found_whole_over_edges_and_components(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            numbers = list(tx.new_record_numbers(6))
            keys = [RecordKey("web", "user_id", f"u{number}") for number in range(6)]
            tx.add_records([a_record(n, key) for n, key in zip(numbers, keys, strict=True)])
            first, second, third, fourth, fifth, far = numbers
            tx.put_memberships(
                [
                    *(Member(n, n, None) for n in (first, second, far)),
                    *(Member(n, third, PROFILE, 3) for n in (third, fourth, fifth)),
                ]
            )
            tx.put_edges(
                [
                    StoredEdge(first, second, -5, b"one"),
                    StoredEdge(second, fourth, 6, b"two", joined=True),
                ]
            )
            around = tx.places_around([first])
            assert around.records.tolist() == numbers[:5]
            assert around.components.tolist() == [first, second, third, third, third]
            assert around.steps.tolist() == [0, 0, 3, 3, 3]
            links = tx.links_among(around.records)
            rows = zip(*(column.tolist() for column in links), strict=True)
            assert sorted(rows) == [(first, second, -5, False), (second, fourth, 6, True)]
            assert tx.places_in([third, second]).records.tolist() == [second, third, fourth, fifth]
            with pytest.raises(RestartBatch):  # the first and the second have an edge
                tx.links_among(around.records[1:])
            with pytest.raises(RestartBatch):
                tx.links_among(around.records[:1])
            assert tx.places_around([]).records.tolist() == []
            assert len(tx.links_among(tx.places_around([far]).records).left) == 0
            tx.put_places(around._replace(components=around.records, steps=around.steps + 1))
            stands = Member(fifth, fifth, PROFILE, 4)
            assert tx.memberships([fifth, far]) == {fifth: stands, far: Member(far, far, None)}

    def test_how_often_a_component_was_cut_stays_with_its_members(
        self, store: ResolverStore
    ) -> None:
        with store.transaction() as tx:
            ann, ben = (tx.new_record_numbers(2)[n] for n in range(2))
            tx.add_records([a_record(ann, ANN), a_record(ben, BEN)])
            tx.put_memberships([Member(ann, ann, PROFILE, 3), Member(ben, ann, PROFILE, 3)])
        with store.transaction() as tx:
            assert set(tx.members([ann])) == set(tx.memberships([ann, ben]).values())
            assert {member.step for member in tx.members([ann])} == {3}

    # profiles, segments, outbox, review

    def test_a_profile_keeps_its_row_without_a_document(self, store: ResolverStore) -> None:
        first = StoredProfile(PROFILE, b"{}", 1, 3)
        gone = StoredProfile(PROFILE, None, 2, 4)
        with store.transaction() as tx:
            tx.put_profiles([first], at=NOW)
            tx.put_profiles([], at=NOW)
            assert tx.profiles([PROFILE, OTHER]) == {PROFILE: first}
            tx.put_profiles([gone, StoredProfile(OTHER, b"[]", 1, 1)], at=LATER)
            assert tx.profiles([PROFILE]) == {PROFILE: gone}
        with store.snapshot() as snapshot:
            assert list(snapshot.profiles()) == [(OTHER, b"[]")]

    def test_a_profile_is_held_while_a_record_is_in_it(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            tx.put_profiles([StoredProfile(PROFILE, b"{}", 1, 1)], at=NOW)
            tx.put_memberships([Member(ann, ann, PROFILE), Member(ben, ben, PROFILE)])
            assert tx.held_profiles([PROFILE, OTHER], touched=[PROFILE, OTHER]) == {PROFILE}
        with store.transaction() as tx:
            tx.put_memberships([Member(ann, ann, OTHER)])
            assert tx.held_profiles([PROFILE, OTHER], touched=[PROFILE, OTHER]) == {PROFILE, OTHER}
            tx.put_memberships([Member(ben, ben, None)])
            assert tx.held_profiles([PROFILE, OTHER], touched=[PROFILE, OTHER]) == {OTHER}
            assert tx.held_profiles([], touched=[]) == frozenset()

    def test_a_profile_enters_leaves_and_enters_again(self, store: ResolverStore) -> None:
        stay = Interval(PROFILE, SEGMENT, NOW, "condition")
        with store.transaction() as tx:
            tx.enter([stay])
            tx.enter([])
            assert tx.segments_of([PROFILE, OTHER]) == {PROFILE: frozenset({SEGMENT})}
            tx.leave([Interval(PROFILE, SEGMENT, LATER, "condition")])
            tx.leave([])
            tx.leave([Interval(OTHER, SEGMENT, LATER, "condition")])
            assert tx.segments_of([PROFILE]) == {}
            tx.enter([stay, Interval(OTHER, SEGMENT, NOW, "condition")])
        with store.snapshot() as snapshot:
            assert list(snapshot.memberships()) == sorted([(SEGMENT, PROFILE), (SEGMENT, OTHER)])

    def test_the_outbox_keeps_the_order_of_sending(self, store: ResolverStore) -> None:
        letters = [a_letter(b"a", b"1"), a_letter(b"b", b"2"), a_letter(b"a", b"3")]
        with store.transaction() as tx:
            tx.send(letters)
            tx.send([])
        with store.transaction() as tx:
            waiting = tx.unsent(2)
            assert [letter for _, letter in waiting] == letters[:2]
            tx.delete_sent([sequence for sequence, _ in waiting])
        with store.transaction() as tx:
            assert [letter for _, letter in tx.unsent(10)] == letters[2:]

    def test_an_open_review_item_is_kept(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            tx.review([ReviewItem("generic_key", "5", {"generic": True})], at=NOW)
            tx.review([ReviewItem("generic_key", "5", {"generic": False})], at=LATER)
            tx.review([], at=LATER)

    def test_reviews_of_a_component_are_replaced_as_a_whole(self, store: ResolverStore) -> None:
        small, large = (
            ReviewItem("component_cut", name, {"step": 1}, 7, effect)
            for name, effect in (("small", 0.5), ("large", 2.0))
        )
        elsewhere = ReviewItem("component_cut", "elsewhere", {}, 8, 1.0)
        with store.transaction() as tx:
            assert list(tx.replace_reviews([7, 8], [large, small, elsewhere], at=NOW)) == sorted(
                [large, small, elsewhere], key=lambda item: item.subject
            )
        with store.transaction() as tx:
            tx.review([ReviewItem("generic_key", "5", {"generic": True})], at=NOW)
            listed = list(tx.reviews_listed(kind="component_cut", items_max=9))
            assert listed == [large, elsewhere, small]
            assert [i.kind for i in tx.reviews_listed(kind=None, items_max=9)][-1] == "generic_key"
        changed = ReviewItem("component_cut", "large", {"step": 2}, 9, 3.0)
        with store.transaction() as tx:
            assert list(tx.replace_reviews([7, 9], [changed], at=LATER)) == []
            assert tx.review_of("small") is None
            assert tx.review_of("large") == changed
            tx.close_reviews("generic_key", ["5"])
            tx.close_reviews("generic_key", [])
            left = list(tx.reviews_listed(kind=None, items_max=9))
            assert left == [changed, elsewhere]
            assert list(tx.reviews_listed(kind=None, items_max=1)) == [changed]

    # standing

    def test_sources_and_what_is_active_are_known(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            sources = tx.sources()
            assert {name: source.unique for name, source in sources.items()} == {
                "billing": True,
                "web": False,
            }
            assert tx.active_versions() == ActiveVersions("m1", "r1")
            assert tx.ruleset_document("r1") == b"rules one"
            assert tx.model_document("m1") == b"model one"
            assert [dict(d) for d, _ in tx.segment_documents()] == [{"id": "loyal"}]

    # transactions

    def test_an_error_takes_everything_back(self, store: ResolverStore) -> None:
        with store.transaction() as tx:
            ann, ben = add(tx, ANN, BEN)
            _write_all(tx, ann, at=NOW, number=1)
        before = _everything(store, [ann, ben])
        with pytest.raises(Interrupted):
            _change_all_and_fail(store, ann, ben)
        assert _everything(store, [ann, ben]) == before

    # the snapshot

    def test_a_snapshot_leaves_empty_records_out_and_orders_by_id(
        self, store: ResolverStore
    ) -> None:
        keys = [RecordKey("web", "user_id", f"u{n}") for n in range(6)]
        with store.transaction() as tx:
            numbers = add(tx, *keys)
            tx.update_records([a_record(numbers[0], keys[0], events=0)])
            tx.put_memberships([Member(numbers[1], numbers[1], PROFILE)])
            pairs = [(numbers[a], numbers[b]) for a, b in ((1, 2), (3, 5), (1, 4))]
            tx.put_edges([StoredEdge(a, b, a, b"") for a, b in pairs])
            tx.mark([(MarkKind.TRAITS, 1, NOW)])
        with store.snapshot() as snapshot:
            records = list(snapshot.records())
            edges = list(snapshot.edges())
            assert not snapshot.is_clean()
        assert [key for key, _, _ in records] == sorted(keys[1:], key=profile_id_of)
        assert {key: profile for key, _, profile in records if profile} == {keys[1]: PROFILE}
        assert [sorted(map(profile_id_of, edge[:2])) for edge in edges] == sorted(
            sorted(map(profile_id_of, (keys[a], keys[b]))) for a, b in ((1, 2), (3, 5), (1, 4))
        )
        assert all(low < high for low, high, _ in edges)


def _mark_and_advance(store: ResolverStore, *, expected: int, position: Position) -> None:
    with store.transaction() as tx:
        tx.mark([(MarkKind.KEY, 1, NOW)])
        tx.advance_offsets("resolver", [(expected, position)])


def _change_all_and_fail(store: ResolverStore, ann: int, ben: int) -> None:
    with store.transaction() as tx:
        add(tx, CAT)
        tx.delete_marks(tx.take_marks(10))
        tx.remove_keys([(5, ann)])
        tx.remove_events([(ann, NOW, UUID(int=1))])
        tx.remove_edges([(ann, 901)])
        tx.leave([Interval(PROFILE, SEGMENT, LATER, "condition")])
        tx.delete_sent([sequence for sequence, _ in tx.unsent(10)])
        tx.set_generic({1: False}, at=LATER)
        tx.update_records([a_record(ann, ANN, version=2, events=0)])
        tx.put_memberships([Member(ann, ben, OTHER)])
        _write_all(tx, ann, at=LATER, number=2)
        raise Interrupted


def _write_all(tx: Transaction, record: int, *, at: Micros, number: int) -> None:
    """One new row in every table."""
    tx.add_dedupe([an_entry(UUID(int=number), at=at)])
    tx.add_events([StoredEvent(record, at, UUID(int=number), b"body", 0, number)])
    tx.add_keys([(5 * number, record)])
    tx.mark([(MarkKind.MATCHING, record, at)])
    tx.set_generic({number: True}, at=at)
    expected = tx.next_offsets("resolver").get(("channel-events", 0), 0)
    here = Partition("channel-events", 0)
    tx.advance_offsets("resolver", [(expected, Position(here, number))])
    tx.put_edges([StoredEdge(record, 900 + number, 1, b"")])
    profile = ProfileId(PROFILE if number == 1 else OTHER)
    tx.put_profiles([StoredProfile(profile, b"{}", number, number)], at=at)
    tx.enter([Interval(profile, SEGMENT, at, "condition")])
    tx.send([a_letter(b"a", b"%d" % number)])


def _everything(store: ResolverStore, records: Sequence[int]) -> list[object]:
    with store.transaction() as tx:
        return [
            tx.lock_records([ANN, BEN, CAT]),
            tx.events_of(records),
            {key: list(held) for key, held in tx.holders({5: 9, 10: 9}).items()},
            list(tx.take_marks(10)),
            tx.generic_among([1, 2]),
            tx.next_offsets("resolver"),
            set(tx.edges_among(records)),
            tx.memberships(records),
            set(tx.members(records)),
            tx.profiles([PROFILE, OTHER]),
            tx.segments_of([PROFILE, OTHER]),
            tx.unsent(10),
        ]
