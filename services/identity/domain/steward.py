"""What stewards decide of two sides, and what their decisions come to together. Pure.

Decisions apply from the latest to the earliest, at equal time by id. `same` links the anchors of
its sides, `different` keeps every pair across apart. One that contradicts those applied before it
is void and changes nothing; one with a side of which no record is there is dormant. So what they
come to follows from the set of decisions and records, in whatever order either arrived. Checked by
tests/unit/services/identity/domain/test_steward.py.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import NewType

from services.identity.domain.cluster import anchor
from services.identity.domain.ids import Micros, RecordKey

SIDE_RECORDS_MAX = 256  # a side names every record that the steward saw; more nobody has looked at
REASON_CHARS_MAX = 1_000
BY_CHARS_MAX = 200
ID_BYTES = 16

CommandId = NewType("CommandId", str)
Pair = tuple[RecordKey, RecordKey]
Dated = Mapping[RecordKey, Micros | None]
"""The records that are there, and since when each is dated."""


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`left` and `right` are the records of both sides as the steward saw them, in key order."""

    id: CommandId
    verdict: Verdict
    left: Sequence[RecordKey]
    right: Sequence[RecordKey]
    decided_at: Micros
    by: str
    reason: str

    def records(self) -> Iterable[RecordKey]:
        yield from self.left
        yield from self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A decision taken back: from now on it is as if it had never been made."""

    id: CommandId
    decision: CommandId
    decided_at: Micros
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """No record of one side may stand with one of the other, by the word of a decision."""

    decision: CommandId
    left: Sequence[RecordKey]
    right: Sequence[RecordKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """A decision that changes nothing, and those that it contradicts."""

    decision: CommandId
    against: Sequence[CommandId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What decisions come to. A link carries the decision that made it."""

    links: Mapping[Pair, CommandId]
    apart: Sequence[Apart]
    void: Sequence[Void]
    dormant: Sequence[CommandId]


def command_id(*parts: str) -> CommandId:
    """Of everything a command says: two with one id say the same, so that repeats are known."""
    text = "\x1e".join(parts).encode()
    return CommandId(blake2b(text, digest_size=ID_BYTES).hexdigest())


def decision_id(
    verdict: Verdict,
    left: Iterable[RecordKey],
    right: Iterable[RecordKey],
    *,
    decided_at: Micros,
    by: str,
    reason: str,
) -> CommandId:
    sides = ("\x1d".join(key.text() for key in side) for side in (left, right))
    return command_id("decide", verdict, *sides, str(decided_at), by, reason)


def withdrawal_id(decision: CommandId, *, decided_at: Micros, by: str, reason: str) -> CommandId:
    return command_id("withdraw", decision, str(decided_at), by, reason)


def rule(decisions: Iterable[Decision], dated: Dated) -> Ruling:
    """What these decisions come to for the records that are there."""
    ordered = sorted(decisions, key=lambda each: (-each.decided_at, each.id))
    docket = _Docket()
    void: list[Void] = []
    dormant: list[CommandId] = []
    for decision in ordered:
        left, right = (_there(side, dated) for side in (decision.left, decision.right))
        if not left or not right:
            dormant.append(decision.id)
            continue
        against = docket.contradicted_by(decision.verdict, left, right, dated)
        if against:
            void.append(Void(decision=decision.id, against=against))
        else:
            docket.apply(decision, left, right, dated)
    return Ruling(links=docket.links, apart=docket.apart, void=void, dormant=dormant)


def contradicted(
    verdict: Verdict,
    left: Iterable[RecordKey],
    right: Iterable[RecordKey],
    *,
    standing: Ruling,
    dated: Dated,
) -> Sequence[CommandId]:
    """Which standing decisions a further one would contradict; none where it may be made."""
    docket = _Docket()
    docket.links.update(standing.links)
    docket.apart.extend(standing.apart)
    return docket.contradicted_by(verdict, _there(left, dated), _there(right, dated), dated)


def _there(side: Iterable[RecordKey], dated: Dated) -> frozenset[RecordKey]:
    return frozenset(key for key in side if key in dated)


class _Docket:
    """What was applied so far."""

    def __init__(self) -> None:
        self.links: dict[Pair, CommandId] = {}
        self.apart: list[Apart] = []

    def apply(
        self,
        decision: Decision,
        left: frozenset[RecordKey],
        right: frozenset[RecordKey],
        dated: Dated,
    ) -> None:
        if decision.verdict is Verdict.DIFFERENT:
            sides = {"left": sorted(left), "right": sorted(right)}
            self.apart.append(Apart(decision=decision.id, **sides))
            return
        link = _link(left, right, dated)
        if link[0] != link[1]:
            self.links.setdefault(link, decision.id)

    def contradicted_by(
        self,
        verdict: Verdict,
        left: frozenset[RecordKey],
        right: frozenset[RecordKey],
        dated: Dated,
    ) -> Sequence[CommandId]:
        if verdict is Verdict.DIFFERENT:
            return self._ties(left, right)
        one, other = _link(left, right, dated)
        here, there = self._reach({one}).keys(), self._reach({other}).keys()
        return sorted(
            each.decision
            for each in self.apart
            if _crosses(here, there, each) or _crosses(there, here, each)
        )

    def _ties(self, left: frozenset[RecordKey], right: frozenset[RecordKey]) -> Sequence[CommandId]:
        """The decisions of the shortest path of links from one side to the other."""
        came_by = self._reach(left)
        met = sorted(right & came_by.keys())
        if not met:
            return ()
        path: set[CommandId] = set()
        step = came_by[met[0]]
        while step is not None:
            before, decision = step
            path.add(decision)
            step = came_by[before]
        return sorted(path)

    def _reach(
        self, start: Collection[RecordKey]
    ) -> dict[RecordKey, tuple[RecordKey, CommandId] | None]:
        """Every record that links tie to these, and by which last link it was reached."""
        tied: dict[RecordKey, list[tuple[RecordKey, CommandId]]] = {}
        for (one, other), decision in sorted(self.links.items()):
            tied.setdefault(one, []).append((other, decision))
            tied.setdefault(other, []).append((one, decision))
        came_by: dict[RecordKey, tuple[RecordKey, CommandId] | None] = dict.fromkeys(sorted(start))
        waiting = deque(came_by)
        while waiting:
            here = waiting.popleft()
            for there, decision in tied.get(here, ()):
                if there not in came_by:
                    came_by[there] = (here, decision)
                    waiting.append(there)
        return came_by


def _link(left: frozenset[RecordKey], right: frozenset[RecordKey], dated: Dated) -> Pair:
    one, other = (anchor((key, dated[key]) for key in side) for side in (left, right))
    return (one, other) if one <= other else (other, one)


def _crosses(here: Collection[RecordKey], there: Collection[RecordKey], apart: Apart) -> bool:
    return any(key in here for key in apart.left) and any(key in there for key in apart.right)
