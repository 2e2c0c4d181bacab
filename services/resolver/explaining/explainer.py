"""Questions about who stands with whom, each answered from one reading of the state."""

from collections.abc import Iterable, Sequence

from services.identity.domain.explained import (
    Explained,
    How,
    IdentifierSubject,
    Obstacle,
    ProfileSubject,
    RecordSubject,
    Subject,
    Unexplained,
    WhyNot,
)
from services.identity.domain.ids import ProfileId
from services.identity.store import Member, ReadableStore, Reading
from services.resolver.explaining.apart import explain_apart
from services.resolver.explaining.component import Bounds, Component
from services.resolver.explaining.pairs import most_alike
from services.resolver.explaining.together import explain_together
from services.resolver.explaining.tree import explain_how
from services.resolver.resolve.engine import Engine
from services.resolver.standing import Standing


class Explainer:
    """One thread's; what it compiles is kept from question to question."""

    def __init__(
        self,
        store: ReadableStore,
        standing: Standing | None = None,
        *,
        bounds: Bounds | None = None,
    ) -> None:
        self._store = store
        self._standing = standing or Standing()
        self._bounds = bounds or Bounds()

    def close(self) -> None:
        """Let go of the scorer and of the store."""
        if self._standing.scorer is not None:
            self._standing.scorer.close()
        self._store.close()

    def explain(self, one: Subject, other: Subject) -> Explained | Unexplained:
        """Why two records, or the records of two identifiers or ids, stand in one profile."""
        with self._store.reading() as tx:
            engine = self._standing.engine(tx)
            ends = _ends(tx, engine, (one, other))
            if isinstance(ends, Unexplained):
                return ends
            a, b = ends
            profiles = [tx.memberships([number])[number].profile for number in ends]
            if a == b:
                return Unexplained(obstacle=Obstacle.ONE_RECORD, profiles=_told(profiles[:1]))
            profile = profiles[0]
            if profile is None or profile != profiles[1]:
                return Unexplained(obstacle=Obstacle.SEVERAL_PROFILES, profiles=_told(profiles))
            return explain_together(tx, Component(tx, engine, a, self._bounds), profile, ends)

    def why_not(self, one: Subject, other: Subject) -> WhyNot | Unexplained:
        """What keeps two records apart; of two people, the two of their records most alike."""
        with self._store.reading() as tx:
            engine = self._standing.engine(tx)
            ends = _ends(tx, engine, (one, other))
            if isinstance(ends, Unexplained):
                return ends
            members = tx.memberships(ends)
            profiles = [members[number].profile for number in ends]
            if ends[0] == ends[1]:
                return Unexplained(obstacle=Obstacle.ONE_RECORD, profiles=_told(profiles[:1]))
            if profiles[0] is not None and profiles[0] == profiles[1]:
                return Unexplained(obstacle=Obstacle.ONE_PROFILE, profiles=_told(profiles))
            sides = [
                _records_meant(tx, subject, members[number])
                for subject, number in zip((one, other), ends, strict=True)
            ]
            ends = most_alike(tx, engine, sides[0], sides[1])
            here = Component(tx, engine, ends[0], self._bounds)
            same = ends[1] in here.members
            there = here if same else Component(tx, engine, ends[1], self._bounds)
            return explain_apart(tx, (here, there), ends)

    def how(self, subject: Subject) -> How | Unexplained:
        """How the profile came to be in which a record, an identifier or an id stands today."""
        with self._store.reading() as tx:
            engine = self._standing.engine(tx)
            number = _record_of(tx, engine, subject)
            if isinstance(number, Unexplained):
                return number
            profile = tx.memberships([number])[number].profile
            if profile is None:
                return Unexplained(obstacle=Obstacle.UNKNOWN)
            return explain_how(tx, Component(tx, engine, number, self._bounds), profile, number)


def _records_meant(tx: Reading, subject: Subject, member: Member) -> Sequence[int]:
    """A record alone where it was named itself, or else all of its profile."""
    if isinstance(subject, RecordSubject) or member.profile is None:
        return [member.record]
    return tx.records_of(member.profile)


def _ends(
    tx: Reading, engine: Engine, subjects: tuple[Subject, Subject]
) -> tuple[int, int] | Unexplained:
    found = [_record_of(tx, engine, subject) for subject in subjects]
    for side, each in enumerate(found):
        if isinstance(each, Unexplained):
            return Unexplained(obstacle=each.obstacle, side=side, profiles=each.profiles)
    one, other = (each for each in found if isinstance(each, int))
    return one, other


def _record_of(tx: Reading, engine: Engine, subject: Subject) -> int | Unexplained:
    """The record that is meant; of several in one profile the one first heard of."""
    match subject:
        case RecordSubject(key):
            number = tx.find_records([key]).get(key)
        case ProfileSubject(profile):
            number = tx.record_behind(profile)
        case IdentifierSubject(keys):
            return _holder_of(tx, engine, sorted(keys))
    return Unexplained(obstacle=Obstacle.UNKNOWN) if number is None else number


def _holder_of(tx: Reading, engine: Engine, keys: Sequence[int]) -> int | Unexplained:
    rules = engine.deriver.rules
    found = tx.holders({key: rules.holders_max(key) for key in keys})
    holders = sorted({number for numbers in found.values() for number in numbers})
    if not holders:
        return Unexplained(obstacle=Obstacle.UNKNOWN)
    profiles = _told(member.profile for member in tx.memberships(holders).values())
    if len(profiles) > 1:
        return Unexplained(obstacle=Obstacle.AMBIGUOUS, profiles=profiles)
    first = min(
        tx.records(holders).values(),
        key=lambda r: (r.state.dated_from is None, r.state.dated_from or 0, r.key),
    )
    return first.number


def _told(profiles: Iterable[ProfileId | None]) -> list[ProfileId]:
    return sorted({profile for profile in profiles if profile is not None})
