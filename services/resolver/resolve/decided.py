"""Stewards' decisions about the records of a batch, read under the locks of their components.

All records that one decision names stand in one component, linked or not, so that what decisions
come to is worked out within it. A decision that is not in force yet (its mark waits, or that of a
record which only now is there) speaks of the records that are locked; the mark brings the rest.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from services.identity.domain.connected import connect
from services.identity.domain.ids import RecordKey
from services.identity.domain.steward import CommandId, Decision, Ruling, rule
from services.identity.store import Reading, RestartBatch, StoredRecord
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.word import Word, WordApart, WordLink


class TiedElsewhere(RestartBatch):
    """A decision about a record of the batch names one that is not locked: lock it, too."""


@dataclass(slots=True)
class Foresight:
    """One worker's note that its batch was sent back for records that decisions tie to it."""

    asks_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`named` are the records of each decision, `sides` their keys by its id.

    `ruling` is what all come to for those `here`.
    """

    named: Collection[frozenset[int]]
    here: frozenset[int]
    sides: Mapping[CommandId, Sequence[RecordKey]]
    numbers: Mapping[RecordKey, int]
    ruling: Ruling

    def ties(self) -> Iterable[Pair]:
        """What makes a component of the records of each decision."""
        for numbers in self.named:
            yield from _chain(numbers & self.here)

    def links(self) -> Iterable[Pair]:
        """Whom decisions make one person, by number."""
        for one, other in self.ruling.links:
            yield self.numbers[one], self.numbers[other]

    def parts(self, components: Mapping[int, int], edges: Iterable[Pair]) -> dict[int, int]:
        """Of each record what it is clustered with: what decisions keep apart shares no cluster.

        It shares a component all the same. `components` are those of the records.
        """
        inside = (p for p in edges if components.get(p[0], 0) == components.get(p[1], -1))
        return connect(components, chain(inside, self.links()))

    def word(self, place: Mapping[RecordKey, int]) -> Word:
        """The same for records of one component, which are known by their places."""
        links = [
            WordLink(place[one], place[other], decision)
            for (one, other), decision in self.ruling.links.items()
            if one in place and other in place
        ]
        sides = [
            WordApart(_places(each.left, place), _places(each.right, place), each.decision)
            for each in self.ruling.apart
        ]
        granted = [_places(self.sides[each.decision], place) for each in links]
        apart = [each for each in sides if each.left and each.right]
        return Word(links=links, apart=apart, granted=granted)


def further(tx: Reading, foresight: Foresight, touched: Collection[int]) -> set[int]:
    """Records that decisions tie to those touched: asked before the lock only if it was needed."""
    if not foresight.asks_first:
        return set()
    decisions = tx.decisions_among(sorted(touched))
    foresight.asks_first = bool(decisions)
    return set(_numbers(tx, decisions).values())


def decided(
    tx: Reading, records: Mapping[int, StoredRecord], *, members: Collection[int]
) -> Decided | None:
    """What stewards decided of these records; None where nobody said anything."""
    decisions = tx.decisions_among(sorted(members))
    if not decisions:
        return None
    numbers = _numbers(tx, decisions)
    named = [frozenset(numbers[k] for k in each.records() if k in numbers) for each in decisions]
    here = frozenset(members)
    dated = {
        key: records[number].state.dated_from
        for key, number in numbers.items()
        if number in here and not records[number].state.is_empty
    }
    sides = {each.id: list(each.records()) for each in decisions}
    return Decided(
        named=named, sides=sides, here=here, numbers=numbers, ruling=rule(decisions, dated)
    )


def ties_of(tx: Reading, records: Collection[int]) -> Iterable[Pair]:
    """What ties records to others that a decision names with them."""
    decisions = tx.decisions_among(sorted(records))
    numbers = _numbers(tx, decisions) if decisions else {}
    for each in decisions:
        yield from _chain({numbers[key] for key in each.records() if key in numbers})


def check_locked(said: Decided, foresight: Foresight, touched: Collection[int]) -> None:
    """Raises TiedElsewhere when a decision about a touched record names one that is not locked."""
    if any(not each <= said.here and not each.isdisjoint(touched) for each in said.named):
        foresight.asks_first = True
        raise TiedElsewhere("a decision names records that are not locked")


def _chain(numbers: Collection[int]) -> Iterable[Pair]:
    first, *others = sorted(numbers) or (0,)
    return ((first, other) for other in others)


def _places(side: Iterable[RecordKey], place: Mapping[RecordKey, int]) -> frozenset[int]:
    return frozenset(place[key] for key in side if key in place)


def _numbers(tx: Reading, decisions: Iterable[Decision]) -> dict[RecordKey, int]:
    return tx.find_records(sorted({key for each in decisions for key in each.records()}))
