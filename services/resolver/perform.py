"""Decisions to writes: profiles, the changes told about them, and segment membership."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from services.identity.domain.cluster import plan
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.profile import Profile
from services.identity.ports import OutgoingMessage
from services.identity.store import Interval, StoredProfile, StoredRecord, Transaction
from services.identity.store_marks import MarkKind
from services.identity.wire import profiles as documents
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES, describe, outgoing
from services.resolver.parts import Entered, Part, unheard
from services.resolver.resolve.cluster import Outcome
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.profiles import Member, build_profile
from services.resolver.segments.evaluate import Moves, evaluate
from services.resolver.segments.shared import shared_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How many profiles were written, and how many changes of each kind were told."""

    profiles: int = 0
    changes: int = 0
    entered: int = 0
    left: int = 0


def perform(  # noqa: PLR0913  # before and after of one batch, and why
    tx: Transaction,
    engine: Engine,
    records: Mapping[int, StoredRecord],
    outcomes: Mapping[ProfileId, Outcome],
    *,
    before: Mapping[RecordKey, ProfileId | None],
    after: Mapping[RecordKey, ProfileId | None],
    stored: Mapping[ProfileId, StoredProfile] = MappingProxyType({}),
    as_told: Collection[ProfileId] = (),
    loosened: Collection[ProfileId] = (),
    at: Micros,
    entered: Entered = unheard,
) -> Told:
    """Write what changed, and tell it once, in order, per profile.

    `stored` are profiles that were read already. Those `as_told` have the records they had, of
    which nothing was heard: only how sure they are can differ. Of `loosened` profiles a split says
    that it came of a value that is generic now.
    """
    entered(Part.PROFILES)
    ids = sorted({p for p in (*before.values(), *after.values()) if p is not None})
    stored = {**stored, **tx.profiles([each for each in ids if each not in stored])}
    letters = _Letters(stored, at)
    profiles = _profiles(engine, records, _to_build(engine, outcomes, stored, as_told))
    encoded = {each.id: documents.encode(each) for each in profiles}
    changed = [each for each in profiles if _is_new(encoded[each.id], stored.get(each.id))]
    gone = _gone(tx, [each for each in ids if each not in outcomes], stored, touched=ids)
    if engine.evaluator.asks_of_others:
        _mark_left(tx, [each for each in ids if each not in outcomes and each not in gone], at=at)
    for change in plan(before, after):
        letters.add(PROFILE_CHANGES, *describe(change, loosened=loosened))
    for profile in changed:
        letters.add(PROFILE_CHANGES, profile.id, "profile.updated", {})
    entered(Part.SEGMENTS)
    moved = profiles if engine.evaluator.asks_of_others else changed
    moves = _moves(tx, engine, moved, gone, at)
    entered(Part.WRITE)
    letters.add_moves(moves)
    documents_now: dict[ProfileId, bytes | None] = {p.id: encoded[p.id] for p in changed}
    documents_now |= dict.fromkeys(gone)
    tx.put_profiles(letters.numbered(documents_now), at=at)
    tx.leave(moves.left)
    tx.enter(moves.entered)
    tx.send(letters.messages)
    return Told(
        profiles=len(changed),
        changes=len(letters.messages),
        entered=len(moves.entered),
        left=len(moves.left),
    )


def tell_moves(
    tx: Transaction,
    engine: Engine,
    profiles: Sequence[Profile],
    stored: Mapping[ProfileId, StoredProfile],
    *,
    at: Micros,
) -> Moves:
    """Evaluate profiles that did not change against segments that did; write and tell it."""
    moves = _moves(tx, engine, profiles, (), at)
    letters = _Letters(stored, at)
    letters.add_moves(moves)
    tx.put_profiles(letters.numbered({}), at=at)
    tx.leave(moves.left)
    tx.enter(moves.entered)
    tx.send(letters.messages)
    return moves


def _gone(
    tx: Transaction,
    ids: Sequence[ProfileId],
    stored: Mapping[ProfileId, StoredProfile],
    *,
    touched: Sequence[ProfileId],
) -> list[ProfileId]:
    """Profiles of no record any more.

    A component that was set aside keeps the profiles of its records, whose anchors may meanwhile
    stand in another component: so a profile may live on outside of this batch.
    """
    shown = [each for each in ids if stored[each].document is not None]
    held = tx.held_profiles(shown, touched=touched) if shown else frozenset()
    return [each for each in shown if each not in held]


def _mark_left(tx: Transaction, ids: Sequence[ProfileId], *, at: Micros) -> None:
    """Profiles that live on outside of this batch, and have lost records here.

    What segments ask of others is asked of all records of a profile, so it is asked again. Only a
    component that is set aside has others of a profile elsewhere.
    """
    if ids:
        left = tx.records_in(ids)
        tx.mark((MarkKind.TRAITS, min(records), at) for records in left.values())


def _to_build(
    engine: Engine,
    outcomes: Mapping[ProfileId, Outcome],
    stored: Mapping[ProfileId, StoredProfile],
    as_told: Collection[ProfileId],
) -> Mapping[ProfileId, Outcome]:
    """All but those that would come to the very document that is there.

    Where segments ask of others, whoever is near is evaluated again, and so has to be there.
    """
    if not as_told or engine.evaluator.asks_of_others:
        return outcomes
    return {
        id_: each
        for id_, each in outcomes.items()
        if id_ not in as_told or not _is_as_sure(each, stored.get(id_))
    }


def _is_as_sure(outcome: Outcome, told: StoredProfile | None) -> bool:
    if told is None or told.document is None:
        return False
    return documents.certainty(told.document) == (outcome.confidence, outcome.ambiguous)


def _profiles(
    engine: Engine, records: Mapping[int, StoredRecord], outcomes: Mapping[ProfileId, Outcome]
) -> list[Profile]:
    return [
        build_profile(
            profile_id,
            [_member(records[number], engine) for number in outcome.records],
            engine.survivorship,
            confidence=outcome.confidence,
            ambiguous=outcome.ambiguous,
        )
        for profile_id, outcome in sorted(outcomes.items())
    ]


def _is_new(document: bytes, told: StoredProfile | None) -> bool:
    return told is None or told.document != document


def _member(record: StoredRecord, engine: Engine) -> Member:
    source = engine.sources.get(record.key.source)
    return Member(key=record.key, state=record.state, trust=source.trust if source else 0)


def _moves(
    tx: Transaction,
    engine: Engine,
    changed: Sequence[Profile],
    gone: Sequence[ProfileId],
    at: Micros,
) -> Moves:
    if not engine.evaluator.segments:
        return Moves(entered=(), left=())
    ids = [profile.id for profile in changed]
    before = tx.segments_of([*ids, *gone])
    asks, rows_max = engine.evaluator.asks_of_others, engine.shared_rows_max
    shared = shared_of(tx, ids, rows_max=rows_max) if asks else {}
    return evaluate(engine.evaluator, changed, gone, before, at=at, shared=shared)


def _stay(interval: Interval) -> dict[str, Any]:
    return {"segment": interval.segment, "reason": interval.reason}


class _Letters:
    """Messages in order, numbered per profile from where its last one stopped."""

    def __init__(self, stored: Mapping[ProfileId, StoredProfile], at: Micros) -> None:
        self._stored = stored
        self._sequence = {each.id: each.sequence for each in stored.values()}
        self._at = at
        self.messages: list[OutgoingMessage] = []

    def add(self, topic: str, profile: ProfileId, kind: str, data: dict[str, Any]) -> None:
        sequence = self._sequence.get(profile, 0) + 1
        self._sequence[profile] = sequence
        self.messages.append(
            outgoing(topic, kind, profile=profile, sequence=sequence, at=self._at, data=data)
        )

    def add_moves(self, moves: Moves) -> None:
        for interval in moves.left:
            self.add(SEGMENT_CHANGES, interval.profile, "segment.left", _stay(interval))
        for interval in moves.entered:
            self.add(SEGMENT_CHANGES, interval.profile, "segment.entered", _stay(interval))

    def numbered(self, documents_now: Mapping[ProfileId, bytes | None]) -> list[StoredProfile]:
        """The rows to write: changed documents, and sequences that moved without one."""
        rows: list[StoredProfile] = []
        for profile in sorted({*documents_now, *self._sequence}):
            old = self._stored.get(profile)
            sequence = self._sequence.get(profile, 0)
            if profile in documents_now:
                version = (old.version if old else 0) + 1
                rows.append(StoredProfile(profile, documents_now[profile], version, sequence))
            elif old is not None and old.sequence != sequence:
                rows.append(StoredProfile(profile, old.document, old.version, sequence))
        return rows
