"""Components, and those that are too large cut by floors."""

from services.identity.domain.ladder import COMPONENT_UNITS_MAX, FLOOR_STEP, components, ladder
from services.identity.domain.weights import UNITS_PER_BIT


def test_components_are_named_after_their_smallest_node() -> None:
    assert components(6, [(5, 4), (4, 1), (2, 3)]).tolist() == [0, 1, 2, 2, 1, 1]
    assert components(0, []).tolist() == []


def test_parts_that_fit_are_not_cut() -> None:
    found = ladder(4, [(0, 1, -5), (1, 2, 7), (2, 3, 0)], floor=0, units_max=3)
    assert found.labels.tolist() == [0, 1, 1, 1]
    assert found.floors.tolist() == [0, 0, 0, 0]


def test_a_part_that_is_too_large_is_cut_at_a_higher_floor_and_no_other() -> None:
    edges = [(0, 1, 9), (1, 2, 1), (2, 3, 9), (4, 5, 1)]
    found = ladder(6, edges, floor=0, units_max=3, step=2)
    assert found.labels.tolist() == [0, 0, 2, 2, 4, 4]
    assert found.floors.tolist() == [2, 2, 2, 2, 0, 0]


def test_where_no_floor_splits_a_part_its_units_stay_single() -> None:
    clique = [(a, b, 30 * UNITS_PER_BIT) for a in range(5) for b in range(a + 1, 5)]
    found = ladder(5, clique, floor=-4 * UNITS_PER_BIT, units_max=4)
    assert found.labels.tolist() == [0, 1, 2, 3, 4]
    assert found.floors.min() > 30 * UNITS_PER_BIT


def test_a_part_of_the_largest_size_is_kept_whole() -> None:
    count = COMPONENT_UNITS_MAX
    chain = [(n, n + 1, n) for n in range(count)]
    assert not ladder(count, chain[:-1], floor=0).labels.any()
    cut = ladder(count + 1, chain, floor=0, step=FLOOR_STEP)
    assert len(set(cut.labels.tolist())) > 1
