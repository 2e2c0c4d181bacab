"""A person's word on the records of one component: who is one, who is two. Pure.

Records are known by their places in key order. Links and what is kept apart agree with each other:
no link ties what is apart (services/identity/domain/steward.py).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.connected import connect
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.steward import CommandId

STEWARD = "steward"
REASON = "a steward's decision"
WAITS = "a merge of so many records waits for a steward"


class WordLink(NamedTuple):
    """Two records that a decision makes one person."""

    left: int
    right: int
    decision: CommandId

    def text(self) -> str:
        """Beside identifiers (type, scope, value as text), whose joins come next."""
        return f"{STEWARD}\x1f\x1f{self.decision}"


class WordApart(NamedTuple):
    """Records of two sides, no pair of which may be one person."""

    left: frozenset[int]
    right: frozenset[int]
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    links: Sequence[WordLink] = ()
    apart: Sequence[WordApart] = ()
    granted: Sequence[frozenset[int]] = ()
    """Of each decision that makes one person of two sides, the records of both."""

    def separates(self, left: Collection[int], right: Collection[int]) -> bool:
        """Whether two groups of records may not be one person."""
        return any(
            not (one.isdisjoint(left) or other.isdisjoint(right))
            for each in self.apart
            for one, other in ((each.left, each.right), (each.right, each.left))
        )

    def allows(self, left: Collection[int], right: Collection[int], *, records_max: int) -> bool:
        """Whether two groups may join for their size: one is small, or a word is about both."""
        if min(len(left), len(right)) <= records_max:
            return True
        return any(not (g.isdisjoint(left) or g.isdisjoint(right)) for g in self.granted)

    def groups(self, places: Iterable[int]) -> list[tuple[int, ...]]:
        """These records as the links tie them, each group sorted, by its first record."""
        known = dict.fromkeys(places)
        links = [(a, b) for a, b, _ in self.links if a in known and b in known]
        found: dict[int, list[int]] = {}
        for place, first in sorted(connect(known, links).items()):
            found.setdefault(first, []).append(place)
        return [tuple(each) for each in found.values()]

    def alone(self, late: Sequence[bool]) -> list[bool]:
        """Of late records those that no link ties to one that is not late."""
        if not self.links:
            return list(late)
        groups = self.groups(range(len(late)))
        found = {place for group in groups if all(late[i] for i in group) for place in group}
        return [place in found for place in range(len(late))]

    def as_one(
        self, values: Sequence[frozenset[Held]], *, most: MergeLimit
    ) -> Sequence[frozenset[Held]]:
        """Values of an identifier by place, where those of one person by a word count as one.

        Only where they are more than a person may hold: what was joined beyond a limit then takes
        in whoever brings nothing new, and no limit says that the word was wrong.
        """
        renamed: dict[str, str] = {}
        for group in self.groups(range(len(values))) if self.links else ():
            held = frozenset[Held]().union(*(values[place] for place in group))
            if len(group) > 1 and most.is_broken_by(held):
                own = {each.value for each in held}
                known = {renamed.get(each, each) for each in own}
                renamed |= {each: min(known) for each in (*own, *known)}
                renamed |= {e: min(known) for e, name in renamed.items() if name in known}
        if not renamed:
            return values
        return [
            frozenset(Held(renamed.get(each.value, each.value), each.at) for each in held)
            for held in values
        ]

    def within(self, places: Collection[int]) -> "Word":
        """Without the links of other records."""
        here = [each for each in self.links if each.left in places and each.right in places]
        return Word(links=here, apart=self.apart, granted=self.granted)

    def forbid(self, places: Sequence[int], among: npt.NDArray[np.bool_]) -> None:
        """Mark in [n, n], which is about these places, every pair that is kept apart."""
        for left, right, _ in self.apart:
            one = np.array([place in left for place in places], dtype=bool)
            other = np.array([place in right for place in places], dtype=bool)
            among |= one[:, None] & other[None, :]
            among |= other[:, None] & one[None, :]


SILENCE = Word()
