"""Records that would stay alone: who may claim one that no link above even odds has joined.

A link compares two groups as if a record were as likely to be anybody's or nobody's. Where few
records are their person's only one, a record that belongs to nobody here is rare. So what stays
alone is weighed once more: against being alone (the share of records that are), and against all
others that it could belong to. It goes to a group that outweighs both together.

Invariant, with a test in tests/unit/services/identity/domain/test_alone.py: odds are added up as
integers, so no order of records can change a claim.
"""

from math import log2
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import UNITS_PER_BIT, Units, to_units

ALONE_BELIEVED_MIN = 1 / 3
"""However few records are alone, a record left over is no record drawn at random: those are the
worn ones and the strangers. And a base is younger for some people than for most."""
REACH = 8 * UNITS_PER_BIT
"""A group further below even odds than this is no other that a record could belong to."""
_SCALE = 1 << 40  # sums over 2^16 groups stay exact
NO_LINK = np.iinfo(np.int64).min

Flags = npt.NDArray[np.bool_]


class Claim(NamedTuple):
    """Two groups by their places, of which one is a single record, and what speaks for the two."""

    left: int
    right: int
    weight: int


def believed(share: float) -> float:
    """The share of records that are alone, as far as it is believed."""
    return min(max(share, ALONE_BELIEVED_MIN), 1.0)


def credit(share: float) -> int:
    """What a record gains, in units, that nobody else can claim: never more than this."""
    return to_units(-log2(believed(share)))


def strongest_claim(links: Units, single: Flags, *, share: float) -> Claim | None:
    """The best claim above even odds; of equal ones the first in row order.

    `links` are [n, n] and symmetric, none above 0, NO_LINK where the two may not join or are out of
    reach; `single` are groups of one record. Of two single records both must be free for the other.
    """
    possible = links > -REACH
    odds = np.rint(np.exp2(np.where(possible, links, 0) / UNITS_PER_BIT) * _SCALE).astype(np.int64)
    odds[~possible] = 0
    others = odds.sum(axis=1)[:, None] - odds + round(believed(share) * _SCALE)
    taken = np.rint(np.log2(others / _SCALE) * UNITS_PER_BIT).astype(np.int64)
    of_row = np.where(possible, links - taken, NO_LINK)
    both = single[:, None] & single
    claims = np.where(both, np.minimum(of_row, of_row.T), np.where(single, of_row.T, of_row))
    claims[~(single[:, None] | single)] = NO_LINK
    place = int(claims.argmax())
    left, right = divmod(place, len(links))
    weight = int(claims[left, right])
    return Claim(left, right, weight) if weight > 0 else None
