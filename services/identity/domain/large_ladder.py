"""The ladder over arrays: sets of any number of records, of which everything is known.

The same function as `lay_out` (ladder.py), which works from parts of a set; a property test holds
the two together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import Numbers, connect_many
from services.identity.domain.ladder import LOOSE, Ladder

Flags = npt.NDArray[np.bool_]


class Links(NamedTuple):
    """Edges by column, in the words of `Edge`; who is told of is known apart."""

    left: Numbers
    right: Numbers
    weights: Numbers
    joined: Flags


def lay_out_whole(
    nodes: Numbers, links: Links, told: Sequence[tuple[int, int]], ladder: Ladder
) -> tuple[Numbers, Numbers]:
    """Of each of the nodes, which are sorted, the smallest node in its part, and its step.

    `told` are the pairs that a person's word holds together.
    """
    count = len(nodes)
    left, right = np.searchsorted(nodes, links.left), np.searchsorted(nodes, links.right)
    block = connect_many(count, left[links.joined], right[links.joined])
    loose = np.bincount(block, minlength=count)[block] > ladder.block_max
    bonds = links.joined & ~loose[left]
    pairs = np.searchsorted(nodes, np.array(told, dtype=np.int64).reshape(-1, 2))
    unit = connect_many(
        count,
        np.concatenate([left[bonds], pairs[:, 0]]),
        np.concatenate([right[bonds], pairs[:, 1]]),
    )
    counts = ~bonds & (links.weights >= ladder.floor)
    parts, steps = _climb(
        unit, Links(unit[left[counts]], unit[right[counts]], links.weights[counts], bonds), ladder
    )
    return nodes[parts[unit]], steps[unit] + loose * LOOSE


def _climb(unit: Numbers, links: Links, ladder: Ladder) -> tuple[Numbers, Numbers]:
    """Of each unit, known by its first node, its part and its step."""
    count = len(unit)
    parts, steps = np.arange(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    waiting = unit == parts
    left, right, weights, _ = links
    step = 0
    while waiting.any():
        kept = (weights >= ladder.floor_at(step)) & waiting[left]
        left, right, weights = left[kept], right[kept], weights[kept]
        if not len(left):
            steps[waiting] = step
            break
        label = connect_many(count, left, right)
        sizes = np.bincount(label[waiting], minlength=count)
        fits = waiting & (sizes[label] <= ladder.units_max_at(step))
        parts[fits], steps[fits] = label[fits], step
        waiting &= ~fits
        step += 1
    return parts, steps
