"""Components that are too large, cut by raising the floor of their edges until every part fits.

Records joined by a decisive identifier are never cut apart: they count as one. The weaker the edges
the smaller a set they may hold together: by weak agreements chance connects strangers. What is
connected at one floor contains what is connected at the next, so a record's part is the largest
connected set around it that fits, and the step of the floor at which that is. Whoever knows of a
few parts, and up to which step each is part of too large a set, can tell what a new edge makes of
them without looking at the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import connect
from services.identity.domain.weights import UNITS_PER_BIT

COMPONENT_UNITS_MAX = 256
EVEN_ODDS_SHARE = 4  # edges of even odds hold a quarter of that together
UNITS_LEAST = 2  # and the weakest of all still a pair
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The floors that edges can be held to, in units of weight, and how large a set may be at each.

    `units_max` holds where edges are certain (four bits, with steps of two); it halves with every
    step below. It never falls as the floor rises: what is too large at one step is so at all below.
    """

    floor: int
    units_max: int = COMPONENT_UNITS_MAX
    height: int = FLOOR_STEP

    def floor_at(self, step: int) -> int:
        return self.floor + step * self.height

    def units_max_at(self, step: int) -> int:
        """How many units a set may have whose edges begin at this step."""
        doubled = self.floor_at(step) // self.height
        most = (self.units_max << max(doubled, 0)) // (EVEN_ODDS_SHARE << max(-doubled, 0))
        return min(self.units_max, max(UNITS_LEAST, most))

    def steps_reached(self, weight: int) -> int:
        """How many steps an edge of this weight counts at: 0 where it is below the floor."""
        return max(0, (weight - self.floor) // self.height + 1)


def lay_out(
    cut_until: Mapping[int, int], edges: Iterable[Edge], ladder: Ladder
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
        if not e.is_joined and e.weight >= ladder.floor
    ]
    placed: dict[int, Place] = {}
    waiting = set(block.values())
    step = 0
    while waiting:
        least, units_max = ladder.floor_at(step), ladder.units_max_at(step)
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
