"""The floor of edges: as low as the base allows before chance agreements chain people together.

Below some weight every record has an edge to a stranger or two, and nearly all records become one
component. It is cut again before it is clustered, but whoever touches it pays for its size. How
near a base is to that shows in how many records an average record is connected with.
"""

import numpy as np

from services.identity.domain.ladder import components
from services.identity.domain.weights import Units, to_units
from services.linkage.training.pairs import Ints

FLOORS = (-4.0, -2.0, 0.0)  # bits; at the last every edge is more likely a match than not
CONNECTED_MIN = 8.0  # records connected with a record are few enough whatever its cluster holds
CONNECTED_PER_CLUSTERED = 2.0


def edge_floor(weights: Units, left: Ints, right: Ints, *, clusters: Ints) -> float:
    """The lowest of FLOORS at which components are not much larger than clusters, in bits.

    `weights` of candidate pairs (left, right); `clusters` labels every row.
    """
    enough = max(CONNECTED_MIN, CONNECTED_PER_CLUSTERED * _connected_with(clusters))
    for floor in FLOORS:
        kept = weights >= to_units(floor)
        pairs = zip(left[kept].tolist(), right[kept].tolist(), strict=True)
        if _connected_with(components(len(clusters), pairs)) <= enough:
            return floor
    return FLOORS[-1]


def _connected_with(labels: Ints) -> float:
    """The records in the set of an average record: sum of squared sizes over their sum."""
    sizes = np.bincount(labels).astype(np.float64)
    return float((sizes**2).sum() / max(1, len(labels)))
