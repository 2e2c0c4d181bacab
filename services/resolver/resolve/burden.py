"""How much one transaction takes on. Of a batch that would take on too much a part is kept. Pure.

A batch is so many marks, and each may stand in a component of hundreds of records, all of which are
read, compared and told anew; and it may join several, whose records were never compared with each
other. The oldest mark is always kept, and of the others, in their order, those that fit: what they
share is done once. Which batch resolves a record changes nothing in what comes of it
(tests/property/test_order.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ladder import COMPONENT_UNITS_MAX, Place
from services.identity.store import Member, RestartBatch, StoredEdge

BURDEN_MAX = 70_000
"""Of one transaction, in records of the components that it works on.

Some five seconds of one core. A stream over a base of 1,000,000 records comes to some 30 for each
new one, and takes on 2,000 of them: more than that is a crowd.
"""
PLAIN_A_MARK_MAX = 40
"""Of a batch whose marks come to more than this each, half as much is taken on: it is a crowd.

What waits meanwhile is resolved together, and the next one, who has no part in it, waits less.
"""
_PAIRS_A_RECORD = 30  # that are known, clustered again in the time that one record takes otherwise
_PAIRS_ANEW_A_RECORD = 4  # scored, as every candidate is


class BurdenTooLargeError(RestartBatch):
    """Begin again with the marks of these records alone; the others wait for the next batch."""

    def __init__(self, kept: frozenset[int], *, share: float) -> None:
        """`share`: how many they are of those that were asked for."""
        super().__init__("the batch is more than one transaction takes on")
        self.kept = kept
        self.share = share


@dataclass(slots=True)
class Pace:
    """How many marks a worker takes at once: fewer after a batch of too much, then more again.

    Meanwhile, what waits for the same components is taken along: each of them is done once.
    """

    marks_max: int
    marks: int = 0
    only: frozenset[int] = frozenset()
    near_max: int = 0

    def __post_init__(self) -> None:
        self.marks = self.marks_max

    def too_much(self, error: BurdenTooLargeError) -> None:
        self.only = error.kept
        self.marks = max(1, int(self.marks * error.share))
        self.near_max = self.marks_max

    def resolved(self, burden: int, *, marks: int) -> None:
        self.only = frozenset()
        if burden <= _allowed(burden, marks, most=BURDEN_MAX) // 2:
            self.marks = min(2 * self.marks, self.marks_max)
            if self.marks == self.marks_max:
                self.near_max = 0


def take_on(
    members: Mapping[int, Member],
    found: Iterable[StoredEdge],
    marked: Sequence[int],
    *,
    candidates: int = 0,
    most: int,
) -> int:
    """The burden of a batch that would work on these members, before anything is joined.

    `candidates`: how many pairs were scored to find that out.

    Raises BurdenTooLargeError where it is too much and some of the marked records can wait. They
    are those that have marks of their own, in the order of these.
    """
    of = {number: member.component for number, member in members.items()}
    costs = {component: _of_component(size) for component, size in Counter(of.values()).items()}
    return _checked(of, costs, found, marked, scored=candidates, most=most)


def take_on_joined(
    members: Mapping[int, Member],
    placed: Mapping[int, Place],
    found: Iterable[StoredEdge],
    marked: Sequence[int],
    *,
    candidates: int = 0,
    most: int,
) -> int:
    """The burden of a batch once it is known what it joins: who never stood together is compared.

    Raises BurdenTooLargeError as `take_on` does.
    """
    of = {number: place.part for number, place in placed.items()}
    stood = Counter((part, members[number].component) for number, part in of.items())
    sizes = Counter(of.values())
    known: Counter[int] = Counter()
    for (part, _), size in stood.items():
        known[part] += size * size
    costs = {
        part: _of_component(size)
        + max(0, min(size, COMPONENT_UNITS_MAX) ** 2 - known[part]) // (2 * _PAIRS_ANEW_A_RECORD)
        for part, size in sizes.items()
    }
    return _checked(of, costs, found, marked, scored=candidates, most=most)


def _checked(  # a batch, in figures
    of: Mapping[int, int],
    costs: Mapping[int, int],
    found: Iterable[StoredEdge],
    marked: Sequence[int],
    *,
    scored: int,
    most: int,
) -> int:
    """`of`: where each record stands; `costs`: of each place what it takes; the sum, if allowed."""
    each = scored // _PAIRS_ANEW_A_RECORD
    burden = sum(costs.values()) + each
    own = [number for number in dict.fromkeys(marked) if number in of]
    most = _allowed(burden, len(own), most=most)
    if burden > most:
        reached = _reached(own, of, found)
        kept = _that_fit(reached, costs, each=each // max(1, len(own)), most=most)
        if len(kept) < len(own):
            raise BurdenTooLargeError(frozenset(kept), share=len(kept) / len(own))
    return burden


def _reached(
    own: Iterable[int], of: Mapping[int, int], found: Iterable[StoredEdge]
) -> dict[int, set[int]]:
    """Where these stand, and who they have edges to."""
    reached = {number: {of[number]} for number in own}
    for edge in found:
        if edge.a in of and edge.b in of:
            for one, other in ((edge.a, edge.b), (edge.b, edge.a)):
                if one in reached:
                    reached[one].add(of[other])
    return reached


def _that_fit(
    reached: Mapping[int, set[int]], costs: Mapping[int, int], *, each: int, most: int
) -> list[int]:
    """The first of these, and of the others those that fit beside it, with all that they reach."""
    taken: set[int] = set()
    burden = 0
    kept: list[int] = []
    for number, places in reached.items():
        more = each + sum(costs[place] for place in places - taken)
        if not kept or not more or burden + more <= most:
            kept.append(number)
            taken |= places
            burden += more
    return kept


def _allowed(burden: int, marks: int, *, most: int) -> int:
    """How much may be taken on at once, where so many marks come to so much."""
    return most // 2 if burden > marks * PLAIN_A_MARK_MAX else most


def _of_component(size: int) -> int:
    """No more than a part's units are compared all with all."""
    return size + min(size, COMPONENT_UNITS_MAX) ** 2 // (2 * _PAIRS_A_RECORD)
