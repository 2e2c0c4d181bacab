"""How much one transaction takes on. Of a batch that would take on too much a part is kept. Pure.

A batch is so many marks, and each may stand in a component of hundreds of records, all of which are
read, compared and told anew. Marks of one group go together: what they share is done once. Which
batch resolves a record changes nothing in what comes of it (tests/property/test_order.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.identity.domain.connected import connect
from services.identity.domain.ladder import COMPONENT_UNITS_MAX
from services.identity.store import Member, RestartBatch, StoredEdge

BURDEN_MAX = 60_000
"""Of one transaction, in records, each with a twentieth for each other of its component.

Some eight seconds of one core. A stream over a base of 1,000,000 records comes to 20 for each new
one, and takes on 1,000 of them: three times as much is a crowd.
"""
_PAIRS_A_RECORD = 20  # compared again in the time that one record takes otherwise


class BurdenTooLargeError(RestartBatch):
    """Begin again with the marks of these records alone; the others wait for the next batch."""

    def __init__(self, kept: frozenset[int]) -> None:
        super().__init__("the batch is more than one transaction takes on")
        self.kept = kept


@dataclass(slots=True)
class Pace:
    """How many marks a worker takes at once: fewer after a batch of too much, then more again."""

    marks_max: int
    marks: int = 0
    only: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.marks = self.marks_max

    def too_much(self, error: BurdenTooLargeError) -> None:
        self.only = error.kept
        self.marks = max(1, min(self.marks, len(error.kept)))

    def resolved(self, burden: int) -> None:
        self.only = frozenset()
        if burden <= BURDEN_MAX // 2:
            self.marks = min(2 * self.marks, self.marks_max)


def take_on(
    members: Mapping[int, Member],
    found: Iterable[StoredEdge],
    marked: Iterable[int],
    *,
    most: int,
) -> int:
    """The burden of a batch that would work on these members.

    Raises BurdenTooLargeError where it is too much and the marked records can be done in parts.
    They are those that have marks of their own, in the order of these: the first are always kept.
    """
    sizes = Counter(member.component for member in members.values())
    whole = sum(map(_burden, sizes.values()))
    if whole <= most:
        return whole
    ends = ((edge.a, edge.b) for edge in found if edge.a in members and edge.b in members)
    group_of = connect(sizes, ((members[a].component, members[b].component) for a, b in ends))
    burdens: Counter[int] = Counter()
    for component, size in sizes.items():
        burdens[group_of[component]] += _burden(size)
    groups: dict[int, list[int]] = {}
    for number in marked:
        if number in members:
            groups.setdefault(group_of[members[number].component], []).append(number)
    kept: list[int] = []
    taken = 0
    for group, numbers in groups.items():
        if kept and taken + burdens[group] > most:
            raise BurdenTooLargeError(frozenset(kept))
        kept += numbers
        taken += burdens[group]
    return whole


def _burden(size: int) -> int:
    """No more than a part's units are compared all with all."""
    return size + min(size, COMPONENT_UNITS_MAX) ** 2 // (2 * _PAIRS_A_RECORD)
