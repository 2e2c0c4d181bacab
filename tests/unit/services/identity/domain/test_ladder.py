"""Components, and those that are too large cut by floors."""

from services.identity.domain.ladder import (
    COMPONENT_UNITS_MAX,
    Edge,
    Place,
    components,
    floor_at,
    lay_out,
)
from services.identity.domain.weights import UNITS_PER_BIT


def nodes(count: int) -> dict[int, int]:
    return dict.fromkeys(range(count), 0)


def test_components_are_named_after_their_smallest_node() -> None:
    assert components(6, [(5, 4), (4, 1), (2, 3)]).tolist() == [0, 1, 2, 2, 1, 1]
    assert components(0, []).tolist() == []


def test_parts_that_fit_are_not_cut() -> None:
    edges = [Edge(0, 1, -5), Edge(1, 2, 7), Edge(2, 3, 0)]
    found = lay_out(nodes(4), edges, floor=0, units_max=3)
    assert found == {0: Place(0), 1: Place(1), 2: Place(1), 3: Place(1)}


def test_a_part_that_is_too_large_is_cut_at_a_higher_floor_and_no_other() -> None:
    edges = [Edge(0, 1, 9), Edge(1, 2, 1), Edge(2, 3, 9), Edge(4, 5, 1)]
    found = lay_out(nodes(6), edges, floor=0, units_max=3, height=2)
    assert found == {
        0: Place(0, 1), 1: Place(0, 1), 2: Place(2, 1), 3: Place(2, 1), 4: Place(4), 5: Place(4),
    }  # fmt: skip


def test_where_no_floor_splits_a_part_its_units_stay_single() -> None:
    clique = [Edge(a, b, 30 * UNITS_PER_BIT) for a in range(5) for b in range(a + 1, 5)]
    floor = -4 * UNITS_PER_BIT
    found = lay_out(nodes(5), clique, floor=floor, units_max=4)
    assert [place.part for place in found.values()] == [0, 1, 2, 3, 4]
    assert min(floor_at(place.step, floor) for place in found.values()) > 30 * UNITS_PER_BIT


def test_who_shares_a_decisive_identifier_is_never_cut_apart_and_counts_as_one() -> None:
    chain = [Edge(n, n + 1, -90, is_joined=True) for n in range(5)]
    found = lay_out(nodes(8), [*chain, Edge(5, 6, 1), Edge(6, 7, 1)], floor=0, units_max=3)
    assert set(found.values()) == {Place(0)}
    found = lay_out(nodes(8), [*chain, Edge(5, 6, 1), Edge(6, 7, 1)], floor=0, units_max=2)
    assert [place.part for place in found.values()] == [0, 0, 0, 0, 0, 0, 6, 7]


def test_what_is_known_of_nodes_that_are_not_here_counts() -> None:
    edges = [Edge(0, 1, 1), Edge(1, 2, 5)]
    found = lay_out({0: 0, 1: 2, 2: 0}, edges, floor=0, units_max=3, height=2)
    assert found == {0: Place(0, 1), 1: Place(1, 2), 2: Place(1, 2)}


def test_a_part_of_the_largest_size_is_kept_whole() -> None:
    count = COMPONENT_UNITS_MAX
    chain = [Edge(n, n + 1, n) for n in range(count)]
    assert set(lay_out(nodes(count), chain[:-1], floor=0).values()) == {Place(0)}
    cut = lay_out(nodes(count + 1), chain, floor=0)
    assert len({place.part for place in cut.values()}) > 1
