"""The floor of edges rises where chance agreements chain people together, and only there."""

import numpy as np

from services.identity.domain.weights import to_units
from services.linkage.training.edge_floor import edge_floor

PEOPLE = 100


def chosen(chance: float) -> float:
    """The floor for people of two records each, and a chain of chance edges through them all."""
    clusters = np.repeat(np.arange(PEOPLE) * 2, 2)
    own = np.arange(PEOPLE) * 2
    left = np.concatenate([own, own[:-1] + 1])
    right = np.concatenate([own + 1, own[:-1] + 2])
    weights = np.concatenate(
        [np.full(PEOPLE, to_units(9.0)), np.full(PEOPLE - 1, to_units(chance))]
    ).astype(np.int64)
    return edge_floor(weights, left, right, clusters=clusters)


def test_the_lowest_floor_that_keeps_people_apart_is_chosen() -> None:
    assert chosen(-5.0) == -4.0
    assert chosen(-3.0) == -2.0
    assert chosen(-1.0) == 0.0


def test_where_no_floor_helps_every_edge_is_at_least_more_likely_than_not() -> None:
    assert chosen(1.0) == 0.0


def test_large_clusters_are_no_reason_to_raise_it() -> None:
    rows = np.arange(60)
    left, right = (each.ravel() for each in np.meshgrid(rows, rows))
    kept = left < right
    weights = np.full(int(kept.sum()), to_units(-3.5), dtype=np.int64)
    clusters = np.zeros(60, dtype=np.int64)
    assert edge_floor(weights, left[kept], right[kept], clusters=clusters) == -4.0
