"""What the resolver asks of its store to remember of pairs; `store.Transaction` has all of it."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class PairTransaction(Protocol):
    """What pairs of a component weigh, so that nobody weighs them twice.

    Whoever holds a component's lock reads and writes its own. Nothing is decided by it that scoring
    would not give again: it may be lost at any time.
    """

    def pair_vectors(self, components: Sequence[int]) -> Mapping[int, bytes]:
        """What was last put of each, where anything was."""
        ...

    def put_pair_vectors(self, vectors: Mapping[int, bytes], *, gone: Sequence[int]) -> None:
        """In the place of what was there; nothing is left of the components that are `gone`."""
        ...
