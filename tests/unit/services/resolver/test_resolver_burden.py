"""A batch that is more than one transaction takes on is done in parts, the oldest marks first."""

from collections.abc import Sequence

import pytest

from services.identity.store import Member, StoredEdge
from services.resolver.resolve.burden import (
    BURDEN_MAX,
    BurdenTooLargeError,
    Pace,
    take_on,
)

FOUR_COMPONENTS = {n: Member(n, n - n % 10, None) for n in range(40)}  # of ten records each
ALL = 4 * 12  # a record, and a twentieth for each other of its component


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
    pytest.param([1, 11, 21, 31], 48, [], None, id="as much as it may be"),
    pytest.param([1, 11, 21, 31], 36, [], {1, 11, 21}, id="the last component is left"),
    pytest.param([31, 1, 11, 2], 24, [], {31, 1, 2}, id="in the order of marks, components whole"),
    pytest.param([1, 11, 21], 30, [(5, 25)], {1, 21}, id="what an edge joins goes together"),
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
    assert take_on(crowd, [], [0], most=1) == 256 + 1_638
    assert take_on(person, [], [0], most=1) == 1_000 + 1_638


def test_a_worker_takes_fewer_marks_after_too_much_and_then_twice_as_many() -> None:
    pace = Pace(100)
    pace.too_much(BurdenTooLargeError(frozenset(range(40))))
    assert (pace.marks, len(pace.only)) == (40, 40)
    pace.resolved(BURDEN_MAX)
    assert (pace.marks, len(pace.only)) == (40, 0)
    pace.resolved(1)
    assert pace.marks == 80
    pace.resolved(0)
    assert pace.marks == 100
