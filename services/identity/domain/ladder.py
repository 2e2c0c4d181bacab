"""Components that are too large, cut by raising the floor of their edges until every part fits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import connect
from services.identity.domain.weights import UNITS_PER_BIT, Units

COMPONENT_UNITS_MAX = 256
FLOOR_STEP = 2 * UNITS_PER_BIT

Labels = npt.NDArray[np.int64]


def components(count: int, edges: Iterable[tuple[int, int]]) -> Labels:
    """Connected sets of `count` nodes: of each node the smallest node that it is connected to."""
    found = connect(range(count), edges)
    return np.fromiter(found.values(), dtype=np.int64, count=count)


class Edge(NamedTuple):
    left: int
    right: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """`labels`: of each unit the smallest of its part. `floors`: the floor its part is cut at."""

    labels: Labels
    floors: Units

    @property
    def is_cut(self) -> bool:
        return len(np.unique(self.floors)) > 1


def ladder(
    count: int,
    edges: Iterable[tuple[int, int, int]],
    *,
    floor: int,
    units_max: int = COMPONENT_UNITS_MAX,
    step: int = FLOOR_STEP,
) -> Ladder:
    """Parts of `count` units over edges (left, right, weight) of at least the floor.

    A part of more than `units_max` units is cut again at a floor one step higher, as often as
    needed; the last step leaves single units.
    """
    floors = np.full(count, floor, dtype=np.int64)
    kept = [Edge(*edge) for edge in edges if edge[2] >= floor]
    labels = components(count, ((edge.left, edge.right) for edge in kept))
    while True:
        too_large = np.bincount(labels, minlength=count) > units_max
        if not too_large.any():
            return Ladder(labels=labels, floors=floors)
        cut = too_large[labels]
        floors[cut] += step
        kept = [edge for edge in kept if not cut[edge.left] or edge.weight >= floors[edge.left]]
        labels = components(count, ((edge.left, edge.right) for edge in kept))
