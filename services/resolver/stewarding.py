"""Stewards' wishes, checked against what stands today, and sent to the log.

The last word is the log's: of two decisions that contradict each other and were sent at the same
time both are in it, and the state holds the later one (services/identity/domain/steward.py).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from services.identity.domain.explained import (
    IdentifierSubject,
    ProfileSubject,
    RecordSubject,
    Subject,
)
from services.identity.domain.identifiers import GENERIC_HOLDERS_MAX
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.steward import (
    SIDE_RECORDS_MAX,
    CommandId,
    Decision,
    Ruling,
    Verdict,
    Withdrawal,
    contradicted,
    rule,
)
from services.identity.domain.stewarding import (
    Force,
    ListedDecision,
    Made,
    Marked,
    Refusal,
    Refused,
)
from services.identity.domain.value_word import VALUE_WORDS_MAX, ValueVerdict
from services.identity.ports import Producer
from services.identity.store import ReadableStore, Reading, ReviewItem
from services.identity.wire.as_of import token
from services.identity.wire.commands import decide, mark_value, outgoing, withdraw

NOBODY = ProfileId("")
NEAR_MAX = 2_000  # decisions that are looked through for a contradiction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """Who is meant: the records that were named, and the profile that they stand in."""

    named: Sequence[int]
    profile: ProfileId | None
    is_record: bool


class Stewards:
    """One thread's."""

    def __init__(self, store: ReadableStore, producer: Producer) -> None:
        self._store = store
        self._producer = producer

    def close(self) -> None:
        self._producer.close()
        self._store.close()

    def decide(
        self, verdict: Verdict, one: Subject, other: Subject, *, at: Micros, by: str, reason: str
    ) -> Made | Refused:
        """Send a decision about two sides, unless it stands already or contradicts what does."""
        with self._store.reading() as tx:
            sides = _sides(tx, (one, other))
            if isinstance(sides, Refused):
                return sides
            made = decide(verdict, *sides, decided_at=at, by=by, reason=reason)
            near = _near(tx, sides[0] + sides[1])
            known = next((each for each in near if _says_the_same(each, made)), None)
            if known is not None:
                return Made(command=known, as_of=None)
            dated = _dated(tx, [made, *near])
            standing = rule(near, dated)
            against = contradicted(verdict, *sides, standing=standing, dated=dated)
            if against:
                found = [each for each in near if each.id in against]
                return Refused(refusal=Refusal.CONTRADICTS, decisions=found)
        return self._send(made)

    def withdraw(self, decision: CommandId, *, at: Micros, by: str, reason: str) -> Made | Refused:
        """Take a decision back; where that was done already, say so."""
        with self._store.reading() as tx:
            known = tx.decision(decision)
        if known is None:
            return Refused(refusal=Refusal.UNKNOWN_DECISION)
        _, withdrawal = known
        if withdrawal is not None:
            return Made(command=withdrawal, as_of=None)
        return self._send(withdraw(decision, decided_at=at, by=by, reason=reason))

    def mark(
        self,
        identifiers: AbstractSet[tuple[str, str, str]],
        verdict: ValueVerdict,
        *,
        at: Micros,
        by: str,
        reason: str,
    ) -> Marked | None:
        """Send what is said of a value, unless it is said already of all that it may be.

        None where more values were spoken of than are read.
        """
        with self._store.reading() as tx:
            standing = {(w.type, w.scope, w.value): w.verdict for w in tx.value_words()}
            if len(standing.keys() | identifiers) > VALUE_WORDS_MAX:
                return None
        words = [
            mark_value(each, verdict, decided_at=at, by=by, reason=reason)
            for each in sorted(identifiers)
            if standing.get(each, ValueVerdict.COUNTED) is not verdict
        ]
        if not words:
            return Marked(words=(), as_of=None)
        return Marked(words=words, as_of=token(self._producer.append(list(map(outgoing, words)))))

    def listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> list[ListedDecision]:
        """Decisions, the latest first, with whether they hold."""
        with self._store.reading() as tx:
            found = tx.decisions_listed(before=before, decisions_max=decisions_max)
            return _with_force(tx, found)

    def one(self, decision: CommandId) -> ListedDecision | None:
        with self._store.reading() as tx:
            known = tx.decision(decision)
            return None if known is None else _with_force(tx, [known])[0]

    def reviews(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        """What a person should look at, the largest expected effect first."""
        with self._store.reading() as tx:
            return _with_segments(tx, tx.reviews_listed(kind=kind, items_max=items_max))

    def review(self, subject: str) -> ReviewItem | None:
        with self._store.reading() as tx:
            found = tx.review_of(subject)
            return None if found is None else _with_segments(tx, [found])[0]

    def _send(self, command: Decision | Withdrawal) -> Made:
        return Made(command=command, as_of=token(self._producer.append([outgoing(command)])))


def _with_segments(tx: Reading, items: Sequence[ReviewItem]) -> list[ReviewItem]:
    """Of merges that wait, in how many segments the side is that would move.

    Counted when it is asked: a profile enters and leaves segments by time alone.
    """
    moving = {each.subject: key for each in items if (key := _who_moves(each)) is not None}
    if not moving:
        return list(items)
    numbers = tx.find_records(sorted(set(moving.values())))
    members = tx.memberships(sorted(numbers.values()))
    profiles = {n: each.profile for n, each in members.items() if each.profile is not None}
    stays = tx.segments_of(sorted(set(profiles.values())))
    counts = {key: len(stays.get(profiles.get(n, NOBODY), ())) for key, n in numbers.items()}
    return [
        replace(each, detail=_counted(each.detail, counts.get(moving[each.subject], 0)))
        if each.subject in moving
        else each
        for each in items
    ]


def _who_moves(item: ReviewItem) -> RecordKey | None:
    """A record of the side that would move; None where an item is of another kind."""
    moves, about = item.detail.get("moves"), item.detail.get("about")
    if not isinstance(moves, dict) or not isinstance(about, list) or "side" not in moves:
        return None
    return RecordKey(**about[moves["side"]])


def _counted(detail: Mapping[str, object], segments: int) -> dict[str, object]:
    moves = detail["moves"]
    return {
        **detail,
        "moves": {**moves, "segments": segments} if isinstance(moves, dict) else moves,
    }


def _sides(
    tx: Reading, subjects: tuple[Subject, Subject]
) -> tuple[list[RecordKey], list[RecordKey]] | Refused:
    """The records of both sides as the steward sees them.

    A whole profile where the two are two; within one profile those that were named.
    """
    sides: list[_Side] = []
    for place, subject in enumerate(subjects):
        side = _side(tx, subject)
        if isinstance(side, Refused):
            return Refused(refusal=side.refusal, side=place, profiles=side.profiles)
        sides.append(side)
    is_one = sides[0].profile == sides[1].profile
    numbers = [
        list(each.named) if is_one or each.is_record or each.profile is None
        else list(tx.records_of(each.profile))
        for each in sides
    ]  # fmt: skip
    for place, own in enumerate(numbers):
        if len(own) > SIDE_RECORDS_MAX:
            return Refused(refusal=Refusal.TOO_MANY, side=place, records=len(own))
    if not set(numbers[0]).isdisjoint(numbers[1]):
        return Refused(refusal=Refusal.OVERLAP)
    left, right = (sorted(r.key for r in tx.records(own).values()) for own in numbers)
    return left, right


def _side(tx: Reading, subject: Subject) -> _Side | Refused:
    match subject:
        case RecordSubject(key):
            numbers = list(tx.find_records([key]).values())
        case ProfileSubject(profile):
            behind = tx.record_behind(profile)
            numbers = [] if behind is None else [behind]
        case IdentifierSubject(keys):
            held = tx.holders(dict.fromkeys(sorted(keys), GENERIC_HOLDERS_MAX))
            numbers = sorted({number for each in held.values() for number in each})
    there = [n for n, record in tx.records(numbers).items() if not record.state.is_empty]
    if not there:
        return Refused(refusal=Refusal.UNKNOWN)
    profiles = {member.profile for member in tx.memberships(there).values()}
    if len(profiles) > 1:
        told = sorted(each for each in profiles if each is not None)
        return Refused(refusal=Refusal.AMBIGUOUS, profiles=told)
    is_record = isinstance(subject, RecordSubject)
    return _Side(named=sorted(there), profile=profiles.pop(), is_record=is_record)


def _near(tx: Reading, keys: Sequence[RecordKey]) -> list[Decision]:
    """Every decision that records tie to these, directly or by way of others."""
    found: dict[CommandId, Decision] = {}
    asked: set[int] = set()
    numbers = set(tx.find_records(keys).values())
    while numbers and len(found) < NEAR_MAX:
        asked |= numbers
        found |= {each.id: each for each in tx.decisions_among(sorted(numbers))}
        numbers = set(tx.find_records(_records(found.values())).values()) - asked
    return [found[each] for each in sorted(found)]


def _records(decisions: Iterable[Decision]) -> list[RecordKey]:
    return sorted({key for each in decisions for key in each.records()})


def _dated(tx: Reading, decisions: Collection[Decision]) -> dict[RecordKey, Micros | None]:
    numbers = sorted(tx.find_records(_records(decisions)).values())
    records = tx.records(numbers).values()
    return {r.key: r.state.dated_from for r in records if not r.state.is_empty}


def _says_the_same(known: Decision, made: Decision) -> bool:
    if known.verdict is not made.verdict:
        return False
    sides = {frozenset(known.left), frozenset(known.right)}
    return sides == {frozenset(made.left), frozenset(made.right)}


def _with_force(
    tx: Reading, found: Sequence[tuple[Decision, Withdrawal | None]]
) -> list[ListedDecision]:
    standing = [decision for decision, withdrawal in found if withdrawal is None]
    near = _near(tx, _records(standing)) if standing else []
    every = {each.id: each for each in (*near, *standing)}
    ruling = rule(every.values(), _dated(tx, list(every.values())))
    return [_listed(decision, withdrawal, ruling) for decision, withdrawal in found]


def _listed(decision: Decision, withdrawal: Withdrawal | None, ruling: Ruling) -> ListedDecision:
    if withdrawal is not None:
        return ListedDecision(decision=decision, force=Force.WITHDRAWN, withdrawal=withdrawal)
    void = next((each for each in ruling.void if each.decision == decision.id), None)
    if void is not None:
        return ListedDecision(decision=decision, force=Force.VOID, against=void.against)
    is_dormant = decision.id in ruling.dormant
    return ListedDecision(decision=decision, force=Force.DORMANT if is_dormant else Force.APPLIED)
