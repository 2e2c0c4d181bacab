"""Components, and those that are too large cut by floors."""

import pytest

from services.identity.domain.ladder import (
    COMPONENT_UNITS_MAX,
    FLOOR_STEP,
    LOOSE,
    Edge,
    Ladder,
    Place,
    components,
    is_loose,
    lay_out,
)
from services.identity.domain.weights import UNITS_PER_BIT

SURE = 6 * UNITS_PER_BIT
"""Where edges are certain, so that `units_max` itself holds."""


def ladder(units_max: int, *, floor: int = SURE, height: int = FLOOR_STEP) -> Ladder:
    return Ladder(floor=floor, units_max=units_max, height=height)


def nodes(count: int) -> dict[int, int]:
    return dict.fromkeys(range(count), 0)


def test_components_are_named_after_their_smallest_node() -> None:
    assert components(6, [(5, 4), (4, 1), (2, 3)]).tolist() == [0, 1, 2, 2, 1, 1]
    assert components(0, []).tolist() == []


def test_parts_that_fit_are_not_cut() -> None:
    edges = [Edge(0, 1, SURE - 5), Edge(1, 2, SURE + 7), Edge(2, 3, SURE)]
    found = lay_out(nodes(4), edges, ladder(3))
    assert found == {0: Place(0), 1: Place(1), 2: Place(1), 3: Place(1)}


def test_a_part_that_is_too_large_is_cut_at_a_higher_floor_and_no_other() -> None:
    edges = [Edge(0, 1, 29), Edge(1, 2, 21), Edge(2, 3, 29), Edge(4, 5, 21)]
    found = lay_out(nodes(6), edges, ladder(3, floor=20, height=2))
    assert found == {
        0: Place(0, 1), 1: Place(0, 1), 2: Place(2, 1), 3: Place(2, 1), 4: Place(4), 5: Place(4),
    }  # fmt: skip


def test_where_no_floor_splits_a_part_its_units_stay_single() -> None:
    clique = [Edge(a, b, 30 * UNITS_PER_BIT) for a in range(5) for b in range(a + 1, 5)]
    steps = ladder(4, floor=-4 * UNITS_PER_BIT)
    found = lay_out(nodes(5), clique, steps)
    assert [place.part for place in found.values()] == [0, 1, 2, 3, 4]
    assert min(steps.floor_at(place.step) for place in found.values()) > 30 * UNITS_PER_BIT


def test_who_shares_a_decisive_identifier_is_never_cut_apart_and_counts_as_one() -> None:
    chain = [Edge(n, n + 1, -90, is_joined=True) for n in range(5)]
    edges = [*chain, Edge(5, 6, SURE), Edge(6, 7, SURE)]
    assert set(lay_out(nodes(8), edges, ladder(3)).values()) == {Place(0)}
    found = lay_out(nodes(8), edges, ladder(2))
    assert [place.part for place in found.values()] == [0, 0, 0, 0, 0, 0, 6, 7]


def test_a_chain_of_identifiers_longer_than_a_person_counts_for_what_it_weighs() -> None:
    chain = [Edge(n, n + 1, -90, is_joined=True) for n in range(5)]
    alike = [Edge(1, 2, SURE, is_joined=True), Edge(5, 6, SURE)]
    whole = lay_out(nodes(6), chain, Ladder(floor=SURE, block_max=6))
    assert set(whole.values()) == {Place(0)}
    found = lay_out(nodes(7), [*chain, *alike], Ladder(floor=SURE, block_max=5))
    assert [place.part for place in found.values()] == [0, 1, 1, 3, 4, 5, 5]
    assert [is_loose(place.step) for place in found.values()] == [True] * 6 + [False]


def test_a_loose_block_is_known_by_any_of_its_records() -> None:
    found = lay_out({0: LOOSE + 1, 1: 0, 2: 0}, [Edge(0, 1, -9, is_joined=True)], ladder(4))
    assert found == {0: Place(0, LOOSE + 1), 1: Place(1, LOOSE), 2: Place(2)}


def test_what_a_person_said_holds_in_a_loose_block_too() -> None:
    chain = [Edge(n, n + 1, -90, is_joined=True) for n in range(5)]
    edges = [*chain, Edge(0, 4, 0, is_told=True)]
    found = lay_out(nodes(6), edges, Ladder(floor=SURE, block_max=5))
    assert [place.part for place in found.values()] == [0, 1, 2, 3, 0, 5]


def test_what_is_known_of_nodes_that_are_not_here_counts() -> None:
    edges = [Edge(0, 1, 21), Edge(1, 2, 25)]
    found = lay_out({0: 0, 1: 2, 2: 0}, edges, ladder(3, floor=20, height=2))
    assert found == {0: Place(0, 1), 1: Place(1, 2), 2: Place(1, 2)}


@pytest.mark.parametrize(
    ("bits", "most"),
    [(-30, 2), (-4, 16), (-2, 32), (0, 64), (1, 64), (2, 128), (4, 256), (40, 256)],
)
def test_the_weaker_the_edges_the_smaller_a_set_they_hold_together(bits: int, most: int) -> None:
    steps = Ladder(floor=bits * UNITS_PER_BIT)
    assert steps.units_max_at(0) == most
    chain = [Edge(n, n + 1, steps.floor) for n in range(most)]
    assert set(lay_out(nodes(most), chain[:-1], steps).values()) == {Place(0)}
    assert len({place.part for place in lay_out(nodes(most + 1), chain, steps).values()}) > 1


def test_a_set_that_weak_edges_may_not_hold_is_held_by_its_strong_ones() -> None:
    count = COMPONENT_UNITS_MAX
    steps = Ladder(floor=-4 * UNITS_PER_BIT)
    chain = [Edge(n, n + 1, SURE) for n in range(count - 1)]
    assert set(lay_out(nodes(count), chain, steps).values()) == {Place(0, 4)}
