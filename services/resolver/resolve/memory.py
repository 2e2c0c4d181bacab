"""Pairs weighed before: a weight depends on two records and the model, so once is enough.

Members of a large component are weighed against each other at every touch; this keeps a touch at
the cost of what is new. Nothing is decided from it that scoring would not give again.
"""

from hashlib import blake2b
from typing import NamedTuple

from services.resolver.resolve.candidates import Pair

PAIRS_KEPT_MAX = 300_000  # about 80 MB; the oldest half goes when it is full


def digest_of(features: bytes) -> bytes:
    """What a record's weights depend on, in eight bytes."""
    return blake2b(features, digest_size=8).digest()


class Weighed(NamedTuple):
    """The features that were compared (smaller record number first), and what came of it."""

    left: bytes
    right: bytes
    vector: bytes
    total: int


class PairMemory:
    """One worker's, for one model."""

    def __init__(self, pairs_max: int = PAIRS_KEPT_MAX) -> None:
        self._pairs_max = pairs_max
        self._weighed: dict[Pair, Weighed] = {}

    def find(self, pair: Pair, left: bytes, right: bytes) -> Weighed | None:
        """None when the pair was not weighed, or one of its records has changed since."""
        found = self._weighed.get(pair)
        if found is None or found.left != left or found.right != right:
            return None
        return found

    def keep(self, pair: Pair, weighed: Weighed) -> None:
        if len(self._weighed) >= self._pairs_max:
            for old in list(self._weighed)[: self._pairs_max // 2 + 1]:
                del self._weighed[old]
        self._weighed[pair] = weighed
