"""All pairs inside the components of a training set, and the clusters they make under a model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.linkage.training.pairs import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Components of two records and more, and every pair within them, component by component.

    The pairs of component i are left[starts[i] : starts[i + 1]], in the order of the upper
    triangle over its rows, which ascend.
    """

    components: tuple[Ints, ...]
    starts: Ints
    left: Ints
    right: Ints


def pairs_inside(labels: npt.NDArray[np.integer]) -> Inside:
    """Every pair of rows with one label."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    components = [rows.astype(np.int64) for rows in np.split(order, cuts) if len(rows) > 1]
    left: list[Ints] = []
    right: list[Ints] = []
    for rows in components:
        first, second = np.triu_indices(len(rows), 1)
        left.append(rows[first])
        right.append(rows[second])
    none = np.zeros(0, dtype=np.int64)
    counts = np.array([len(pairs) for pairs in left], dtype=np.int64)
    return Inside(
        components=tuple(components),
        starts=np.concatenate([none[:0], [0], np.cumsum(counts)]).astype(np.int64),
        left=np.concatenate([none, *left]),
        right=np.concatenate([none, *right]),
    )
