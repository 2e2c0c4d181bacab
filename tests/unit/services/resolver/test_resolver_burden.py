"""A batch that is more than one transaction takes on is done in parts, the oldest marks first."""

from collections.abc import Sequence

import pytest

from services.identity.domain.ladder import Place
from services.identity.store import Member, StoredEdge
from services.resolver.resolve.burden import (
    BURDEN_MAX,
    BurdenTooLargeError,
    Pace,
    take_on,
    take_on_joined,
)

FOUR_COMPONENTS = {n: Member(n, n - n % 10, None) for n in range(40)}  # of ten records each
ALL = 4 * 11  # ten records and a hundred pairs, each seen from both ends


def kept(
    marked: Sequence[int], *, most: int, found: Sequence[tuple[int, int]] = ()
) -> frozenset[int] | None:
    """None where the whole batch is taken on."""
    edges = [StoredEdge(a, b, 0, b"") for a, b in found]
    try:
        take_on(FOUR_COMPONENTS, edges, marked, most=most)
    except BurdenTooLargeError as error:
        return error.kept
    return None


CASES = [
    pytest.param([1, 11, 21, 31], 44, [], None, id="as much as it may be"),
    pytest.param([1, 11, 21, 31], 33, [], {1, 11, 21}, id="the last component is left"),
    pytest.param([31, 1, 11, 2], 22, [], {31, 1, 2}, id="in the order of marks, components whole"),
    pytest.param([1, 11, 21], 22, [(1, 25)], {1, 21}, id="what a mark reaches by edges comes too"),
    pytest.param([1, 11, 21], 22, [(11, 25)], {1, 21}, id="who reaches too much is passed over"),
    pytest.param([1, 11, 21], 22, [(5, 25)], {1, 11}, id="edges of others reach nothing"),
    pytest.param([1, 11], 1, [], {1}, id="one component is always kept"),
    pytest.param([3, 4], 1, [], None, id="of one component nothing can be left"),
    pytest.param([], 1, [], None, id="nobody has a mark of their own"),
    pytest.param([99, 3], 1, [], None, id="one who is not there"),
]


@pytest.mark.parametrize(("marked", "most", "found", "expected"), CASES)
def test_what_is_kept_of_a_batch(
    marked: list[int], most: int, found: list[tuple[int, int]], expected: set[int] | None
) -> None:
    assert kept(marked, most=most, found=found) == expected


def test_a_burden_grows_with_the_square_of_a_component_up_to_a_part() -> None:
    crowd = {n: Member(n, 0, None) for n in range(256)}
    person = {n: Member(n, 0, None) for n in range(1_000)}
    assert take_on(FOUR_COMPONENTS, [], [], most=ALL) == ALL
    assert take_on(crowd, [], [0], most=1) == 256 + 1_092
    assert take_on(person, [], [0], most=1) == 1_000 + 1_092


def test_records_that_stand_together_for_the_first_time_are_compared_anew() -> None:
    apart = {n: Member(n, n - n % 10, None) for n in range(20)}
    edges = [StoredEdge(1, 11, 0, b"")]
    as_before = {n: Place(n - n % 10) for n in apart}
    joined = dict.fromkeys(apart, Place(0))
    assert take_on_joined(apart, as_before, edges, [1], most=22) == 22
    assert take_on_joined(apart, joined, edges, [1], most=30) == 20 + 6 + 25
    with pytest.raises(BurdenTooLargeError) as error:
        take_on_joined(
            apart | {50: Member(50, 50, None)}, joined | {50: Place(50)}, edges, [1, 50], most=40
        )
    assert error.value.kept == {1}


def test_a_worker_takes_fewer_marks_after_too_much_and_what_waits_for_the_same_with_them() -> None:
    pace = Pace(100)
    assert pace.near_max == 0
    pace.too_much(BurdenTooLargeError(frozenset(range(40)), share=0.4))
    assert (pace.marks, len(pace.only), pace.near_max) == (40, 40, 100)
    pace.resolved(BURDEN_MAX // 2, marks=40)
    assert (pace.marks, len(pace.only), pace.near_max) == (40, 0, 100)
    pace.resolved(1, marks=1)
    assert (pace.marks, pace.near_max) == (80, 100)
    pace.resolved(0, marks=0)
    assert (pace.marks, pace.near_max) == (100, 0)


def test_of_a_crowd_half_as_much_is_taken_on() -> None:
    one_by_one = {n: Member(n, n, None) for n in range(150)}
    together = {n: Member(n, n // 50, None) for n in range(150)}  # 91 each
    assert take_on(one_by_one, [], [*range(150)], most=150) == 150
    assert take_on(together, [], [0, 50, 100], most=546) == 3 * 91
    with pytest.raises(BurdenTooLargeError) as error:
        take_on(together, [], [0, 50, 100], most=540)
    assert error.value.kept == {0, 50}


def test_candidates_count_and_are_shared_among_the_marks() -> None:
    one_by_one = {n: Member(n, n, None) for n in range(100)}
    assert take_on(one_by_one, [], [*range(100)], candidates=400, most=200) == 200
    with pytest.raises(BurdenTooLargeError) as error:
        take_on(one_by_one, [], [*range(100)], candidates=400, most=100)
    assert error.value.kept == {*range(50)}
