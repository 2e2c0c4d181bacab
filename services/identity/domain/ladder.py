"""Components that are too large, cut by raising the floor of their edges until every part fits.

Records joined by decisive identifiers are a block: never cut apart, they count as one. A block of
more records than one person may have is loose: there the identifiers hold nothing together, and
pairs count for what they weigh. The weaker the edges the smaller a set they may hold together: by
weak agreements chance connects strangers. What is connected at one floor contains what is connected
at the next, so a record's part is the largest connected set around it that fits, and the step of
the floor at which that is. Whoever knows of a few parts, and up to which step each is part of too
large a set, can tell what a new edge makes of them without looking at the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import connect
from services.identity.domain.identifiers import PROFILE_RECORDS_MAX
from services.identity.domain.weights import UNITS_PER_BIT

COMPONENT_UNITS_MAX = 256
EVEN_ODDS_SHARE = 4  # edges of even odds hold a quarter of that together
UNITS_LEAST = 2  # and the weakest of all still a pair
FLOOR_STEP = 2 * UNITS_PER_BIT
LOOSE = 10_000  # added to the step of who stands in a loose block; no weight reaches so many steps

Labels = npt.NDArray[np.int64]


class Edge(NamedTuple):
    """`is_joined`: by a decisive identifier; `is_told`: by a person, whose word no size cuts."""

    left: int
    right: int
    weight: int
    is_joined: bool = False
    is_told: bool = False


class Place(NamedTuple):
    """Which part: the smallest node in it; and how many steps above the floor its edges begin.

    In a loose block LOOSE is added to the step: what a record learned of its block it keeps.
    """

    part: int
    step: int = 0


def components(count: int, edges: Iterable[tuple[int, int]]) -> Labels:
    """Connected sets of `count` nodes: of each node the smallest node that it is connected to."""
    found = connect(range(count), edges)
    return np.fromiter(found.values(), dtype=np.int64, count=count)


def is_loose(step: int) -> bool:
    return step >= LOOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The floors that edges can be held to, in units of weight, and how large a set may be at each.

    `units_max` holds where edges are certain (four bits, with steps of two); it halves with every
    step below. It never falls as the floor rises: what is too large at one step is so at all below.
    A block of more than `block_max` records is loose.
    """

    floor: int
    units_max: int = COMPONENT_UNITS_MAX
    block_max: int = PROFILE_RECORDS_MAX
    height: int = FLOOR_STEP

    def floor_at(self, step: int) -> int:
        return self.floor + step % LOOSE * self.height

    def units_max_at(self, step: int) -> int:
        """How many units a set may have whose edges begin at this step."""
        doubled = self.floor_at(step) // self.height
        most = (self.units_max << max(doubled, 0)) // (EVEN_ODDS_SHARE << max(-doubled, 0))
        return min(self.units_max, max(UNITS_LEAST, most))

    def steps_reached(self, weight: int) -> int:
        """How many steps an edge of this weight counts at: 0 where it is below the floor."""
        return max(0, (weight - self.floor) // self.height + 1)

    def counts_at(self, step: int, edge: Edge) -> bool:
        """Whether an edge can change the part of this step that one of its ends stands in."""
        if edge.is_joined and not is_loose(step):
            return True
        return self.steps_reached(edge.weight) > step % LOOSE

    def told_by(self, edge: Edge, step: int) -> int:
        """What the end of an edge knows when the other end is not here: it stands cut from it.

        Of a joined edge that is so only because their block is loose.
        """
        raised = max(step % LOOSE, self.steps_reached(edge.weight))
        return raised + LOOSE if edge.is_joined or is_loose(step) else raised


def lay_out(
    cut_until: Mapping[int, int], edges: Iterable[Edge], ladder: Ladder
) -> dict[int, Place]:
    """Every node to its part. Edges are among the nodes; below the floor only joined ones count.

    `cut_until` holds the nodes, and of each the steps at which its connected set is known to be too
    large because of nodes that are not here: all below that number; 0 where nothing is known. LOOSE
    is added where its block is known to be loose.
    """
    kept = list(edges)
    loose = _loose(cut_until, kept, block_max=ladder.block_max)
    bonds = [e for e in kept if e.is_told or (e.is_joined and e.left not in loose)]
    unit = connect(cut_until, ((e.left, e.right) for e in bonds))
    until: Counter[int] = Counter()
    for node, step in cut_until.items():
        until[unit[node]] = max(until[unit[node]], step % LOOSE)
    links = [
        Edge(unit[e.left], unit[e.right], e.weight)
        for e in kept
        if e.weight >= ladder.floor and not e.is_told and (not e.is_joined or e.left in loose)
    ]
    placed = _climb(until, links, ladder)
    return {
        node: placed[own]._replace(step=placed[own].step + LOOSE) if node in loose else placed[own]
        for node, own in unit.items()
    }


def _loose(
    cut_until: Mapping[int, int], edges: Sequence[Edge], *, block_max: int
) -> frozenset[int]:
    """The nodes of blocks that hold too many, or of which one is known to be loose."""
    joined = [(e.left, e.right) for e in edges if e.is_joined]
    known = {node for node, step in cut_until.items() if is_loose(step)}
    if not known and len(joined) < block_max:
        return frozenset()
    block = connect(cut_until, joined)
    sizes = Counter(block.values())
    loose = {label for label, size in sizes.items() if size > block_max}
    loose |= {block[node] for node in known}
    return frozenset(node for node, label in block.items() if label in loose)


def _climb(until: Mapping[int, int], links: list[Edge], ladder: Ladder) -> dict[int, Place]:
    """Units to their parts: the floor rises until every part fits."""
    placed: dict[int, Place] = {}
    waiting = set(until)
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
    return placed
