"""Components that are too large, cut by raising the floor of their edges until every part fits.

Records joined by a decisive identifier are never cut apart: they count as one. What is connected at
one floor contains what is connected at the next, so a record's part is the largest connected set
around it that fits, and the step of the floor at which that is. Whoever knows of a few parts, and
up to which step each is part of too large a set, can tell what a new edge makes of them without
looking at the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import connect
from services.identity.domain.weights import UNITS_PER_BIT

COMPONENT_UNITS_MAX = 256
FLOOR_STEP = 2 * UNITS_PER_BIT

Labels = npt.NDArray[np.int64]


class Edge(NamedTuple):
    """`is_joined`: by a decisive identifier, whatever it weighs."""

    left: int
    right: int
    weight: int
    is_joined: bool = False


class Place(NamedTuple):
    """Which part: the smallest node in it; and how many steps above the floor its edges begin."""

    part: int
    step: int = 0


def components(count: int, edges: Iterable[tuple[int, int]]) -> Labels:
    """Connected sets of `count` nodes: of each node the smallest node that it is connected to."""
    found = connect(range(count), edges)
    return np.fromiter(found.values(), dtype=np.int64, count=count)


def floor_at(step: int, floor: int, *, height: int = FLOOR_STEP) -> int:
    return floor + step * height


def steps_reached(weight: int, floor: int, *, height: int = FLOOR_STEP) -> int:
    """How many steps an edge of this weight counts at: 0 where it is below the floor."""
    return max(0, (weight - floor) // height + 1)


def lay_out(
    cut_until: Mapping[int, int],
    edges: Iterable[Edge],
    *,
    floor: int,
    units_max: int = COMPONENT_UNITS_MAX,
    height: int = FLOOR_STEP,
) -> dict[int, Place]:
    """Every node to its part. Edges are among the nodes; below the floor only joined ones count.

    `cut_until` holds the nodes, and of each the steps at which its connected set is known to be too
    large because of nodes that are not here: all below that number; 0 where nothing is known.
    """
    kept = list(edges)
    block = connect(cut_until, ((e.left, e.right) for e in kept if e.is_joined))
    until: Counter[int] = Counter()
    for node, step in cut_until.items():
        until[block[node]] = max(until[block[node]], step)
    links = [
        Edge(block[e.left], block[e.right], e.weight)
        for e in kept
        if not e.is_joined and e.weight >= floor
    ]
    placed: dict[int, Place] = {}
    waiting = set(block.values())
    step = 0
    while waiting:
        least = floor_at(step, floor, height=height)
        links = [e for e in links if e.weight >= least and e.left in waiting]
        if not links:
            placed |= {each: Place(each, max(step, until[each])) for each in waiting}
            break
        sets: defaultdict[int, list[int]] = defaultdict(list)
        for each, label in connect(waiting, ((e.left, e.right) for e in links)).items():
            sets[label].append(each)
        for label, members in sets.items():
            if len(members) <= units_max and all(until[each] <= step for each in members):
                placed |= dict.fromkeys(members, Place(label, step))
                waiting.difference_update(members)
        step += 1
    return {node: placed[block[node]] for node in cut_until}
