"""What a person should look at in a component: as its clusters, a function of its records. Pure.

An item stands while its cause does. How much it matters is the expected effect: the probability
that a steward's word about it changes who is with whom, times the records that would then move.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from services.identity.domain.ids import RecordKey
from services.identity.domain.ladder import LOOSE, Ladder, Place, is_loose
from services.identity.domain.merge_policy import MergePolicy
from services.identity.domain.steward import CommandId, Ruling
from services.identity.domain.weights import to_bits
from services.identity.store import ReviewItem, StoredRecord

ID_BYTES = 12
EFFECT_DIGITS = 4  # what floats say beyond this differs by the order of their sums
RECORDS_SHOWN_MAX = 20
# An identifier that two people both carry is as often theirs in common as it is mistaken.
DEMOTED_PROBABILITY = 0.5
CUT_PROBABILITY = 0.05  # most of what was connected too widely was no person
VOID_PROBABILITY = 1.0  # two stewards disagree: whoever settles it changes something, or confirms
_encoder = msgspec.json.Encoder(order="deterministic")


class Note(NamedTuple):
    """Something to be looked at, about records by their numbers: of each side the first."""

    kind: str
    detail: Mapping[str, object]
    records: Sequence[int]
    probability: float
    moved: int


def held_note(sides: Sequence[Sequence[StoredRecord]], *, weight: int) -> Note:
    """A join that waits for its size."""
    return _waiting_note("blast_radius", sides, weight=weight, more={})


def lacking_note(
    sides: Sequence[Sequence[StoredRecord]],
    policy: MergePolicy,
    *,
    weight: int,
    personal_fields: int,
) -> Note:
    """A join that the model wants, and for which the policy asks more evidence."""
    more = {
        "confidence": probability_of(weight),
        "confidence_min": policy.confidence_min,
        "personal_fields": personal_fields,
        "personal_fields_min": policy.personal_fields_min,
    }
    return _waiting_note("merge_policy", sides, weight=weight, more=more)


def _waiting_note(
    kind: str,
    sides: Sequence[Sequence[StoredRecord]],
    *,
    weight: int,
    more: Mapping[str, object],
) -> Note:
    bits = round(to_bits(weight), 3)
    detail = {**what_moves(sides), "match_weight_bits": bits, **more}
    named = [side[0].number for side in sides]
    return Note(kind, detail, named, probability_of(weight), min(map(len, sides)))


def what_moves(sides: Sequence[Sequence[StoredRecord]]) -> dict[str, object]:
    """All of the smaller side; `side` says which of those that the item is about."""
    side = min(range(len(sides)), key=lambda place: len(sides[place]))
    states = [record.state for record in sides[side]]
    moves = {
        "side": side,
        "records": len(states),
        "events": sum(state.events for state in states),
        "consents": sum(len(state.consents) for state in states),
        "holdings": sum(len(state.holdings) for state in states),
    }
    return {"moves": moves}


def probability_of(weight: int) -> float:
    """2^w / (1 + 2^w), rounded so that it can be compared and hashed."""
    return round(1 / (1 + math.exp2(-to_bits(weight))), 6)


def item_of(note: Note, records: Mapping[int, StoredRecord], *, component: int) -> ReviewItem:
    """The item, with an id that follows from what it is about, and no surrogate in it."""
    named = [records[number].key for number in note.records]
    return _item(
        note.kind, note.detail, named, component=component, effect=note.probability * note.moved
    )


def void_items(
    ruling: Ruling,
    sides: Mapping[CommandId, Sequence[RecordKey]],
    *,
    component_of: Mapping[RecordKey, int],
) -> Iterable[ReviewItem]:
    """Decisions that contradict later ones. `sides`: the records of each decision."""
    for void in ruling.void:
        here = [key for key in sides[void.decision] if key in component_of]
        yield _item(
            "decision_void",
            {"decision": void.decision, "against": list(void.against)},
            here[:RECORDS_SHOWN_MAX],
            component=component_of[here[0]],
            effect=VOID_PROBABILITY * len(here),
        )


def cut_items(
    records: Mapping[int, StoredRecord], placed: Mapping[int, Place], ladder: Ladder
) -> Iterable[ReviewItem]:
    """Parts of sets that were too large. One record alone keeps the step of a set that is gone.

    Where only pairs were dropped that are strangers more likely than not, nobody need look. Of a
    chain of identifiers longer than a person every part has an item: most of it stands alone.
    """
    parts: dict[int, list[int]] = {}
    for number, each in placed.items():
        if records[number].state.is_empty:
            continue  # whether its row is there is a matter of what came before
        if is_loose(each.step) or (each.step > 0 and ladder.floor_at(each.step) > 0):
            parts.setdefault(each.part, []).append(number)
    for part, numbers in parts.items():
        loose = [number for number in numbers if is_loose(placed[number].step)]
        if len(numbers) == 1 and not loose:
            continue
        first = min(loose or numbers, key=lambda number: records[number].key)
        kind = "identifier_chain" if loose else "component_cut"
        detail = {"step": placed[first].step % LOOSE}
        note = Note(kind, detail, [first], CUT_PROBABILITY, len(numbers))
        yield item_of(note, records, component=part)


def waiting_items(
    records: Mapping[int, StoredRecord], placed: Mapping[int, Place], waiting: Collection[int]
) -> Iterable[ReviewItem]:
    """Components that wait for a job of their own: who is with whom there is not known yet."""
    aside: dict[int, list[int]] = {}
    for number in waiting:
        aside.setdefault(placed[number].part, []).append(number)
    for part, numbers in aside.items():
        first = min(numbers, key=lambda number: records[number].key)
        detail = {"records": len(numbers)}
        note = Note("component_set_aside", detail, [first], CUT_PROBABILITY, len(numbers))
        yield item_of(note, records, component=part)


def _item(
    kind: str,
    detail: Mapping[str, object],
    named: Sequence[RecordKey],
    *,
    component: int,
    effect: float,
) -> ReviewItem:
    shown = [{"source": key.source, "kind": key.kind, "key": key.key} for key in named]
    # What grows while the cause stays (a count, a weight) is no part of who an item is.
    stable = {name: each for name, each in detail.items() if isinstance(each, str)}
    raw = _encoder.encode((kind, stable, shown))
    return ReviewItem(
        kind=kind,
        subject=blake2b(raw, digest_size=ID_BYTES).hexdigest(),
        detail={**detail, "about": shown},
        component=component,
        effect=round(effect, EFFECT_DIGITS),
    )
