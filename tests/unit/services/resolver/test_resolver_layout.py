import pytest

from services.identity.domain.ladder import Place
from services.identity.store import Member
from services.resolver.resolve.components import Standing
from services.resolver.resolve.layout import shaken

STANDING = Standing(
    members={1: Member(1, 1, None, 4), 2: Member(2, 2, None, 4), 3: Member(3, 3, None)}, edges=[]
)
PLACED = {number: Place(1, 4) for number in STANDING.members}


@pytest.mark.parametrize(
    ("ties", "expected"),
    [([(1, 3), (2, 3)], {1, 2}), ([(1, 3)], set()), ([(1, 2)], set())],
    ids=["to two parts", "to one", "among those that were there"],
)
def test_a_new_record_that_decisions_tie_to_parts_may_make_one_unit_of_them(
    ties: list[tuple[int, int]], expected: set[int]
) -> None:
    assert shaken(STANDING, {3}, {}, PLACED, ties=ties) == expected
