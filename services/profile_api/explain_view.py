"""Explanations as the API answers them. Pure.

Values and record keys are told only to whoever may read profiles, and asks for them; who may trace
learns levels, weights and rules. A record without its key is told apart by its number.
"""

from collections.abc import Sequence

from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import (
    Explained,
    Fragile,
    How,
    KeyFact,
    PairFacts,
    SharedIdentifier,
    Standpoint,
    Step,
    StepKind,
    WhyNot,
)
from services.identity.domain.ids import RecordKey
from services.identity.domain.weights import to_bits

MASKED = "***"
GROUP_TOLD_MAX = 100  # records of one side of a join: all, as far as a tree is drawn


class Teller:
    """Tells one answer: the same record has the same number in all of it."""

    def __init__(self, *, show_values: bool) -> None:
        self._show_values = show_values
        self._numbers: dict[RecordKey, int] = {}

    def explained(self, found: Explained) -> dict[str, object]:
        return {
            "profile_id": found.profile,
            "left": self.record(found.left),
            "right": self.record(found.right),
            "path": [self.step(step) for step in found.path],
            "direct": self.pair(found.direct),
            **standpoint(found.standpoint),
        }

    def why_not(self, found: WhyNot) -> dict[str, object]:
        between = found.between
        return {
            "reason": found.reason.value,
            "words": found.words,
            "facts": dict(found.facts),
            "left": self.record(found.left),
            "right": self.record(found.right),
            "profile_ids": list(found.profiles),
            "pair": self.pair(found.pair),
            "between": None
            if between is None
            else {"left": self.records(between[0]), "right": self.records(between[1])},
            "link": self.waterfall(found.link),
            **standpoint(found.standpoint),
        }

    def how(self, found: How) -> dict[str, object]:
        return {
            "profile_id": found.profile,
            "identity_confidence": found.confidence,
            "ambiguous": found.ambiguous,
            "records": self.records(found.records),
            "units": [
                {
                    "records": self.records(unit.records),
                    "identifiers": [self.identifier(each) for each in unit.identifiers],
                }
                for unit in found.units
            ],
            "steps": [self.step(step) for step in found.steps],
            "steps_left_out": found.steps_left_out,
            "notes": [{"kind": note.kind, "facts": dict(note.facts)} for note in found.notes],
            "fragile": None
            if found.fragile is None
            else [self._fragile(each) for each in found.fragile],
            **standpoint(found.standpoint),
        }

    def _fragile(self, fragile: Fragile) -> dict[str, object]:
        record, identifier = fragile.record, fragile.identifier
        return {
            "without_record": None if record is None else self.record(record),
            "without_identifier": None if identifier is None else self.identifier(identifier),
            "parts": [self.records(part) for part in fragile.parts],
        }

    def record(self, key: RecordKey) -> dict[str, object]:
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        shown = key.key if self._show_values else MASKED
        return {"number": number, "source": key.source, "kind": key.kind, "key": shown}

    def records(self, keys: Sequence[RecordKey]) -> list[dict[str, object]]:
        return [self.record(key) for key in keys]

    def step(self, step: Step) -> dict[str, object]:
        return {
            "number": step.number,
            "kind": step.kind.value,
            "words": step_words(step),
            "left": self.records(step.left[:GROUP_TOLD_MAX]),
            "right": self.records(step.right[:GROUP_TOLD_MAX]),
            "left_records": len(step.left),
            "right_records": len(step.right),
            "identifier": None if step.identifier is None else self.identifier(step.identifier),
            "steward_decision": step.decision,
            "pair": self.pair(step.pair),
            "decision": self.waterfall(step.waterfall),
            "link": self.waterfall(step.link),
        }

    def pair(self, pair: PairFacts) -> dict[str, object]:
        return {
            "left": self.record(pair.left),
            "right": self.record(pair.right),
            "identifiers": [self.identifier(each) for each in pair.identifiers],
            "keys": [_key(fact) for fact in pair.keys],
            "weight": self.waterfall(pair.waterfall),
        }

    def identifier(self, identifier: SharedIdentifier) -> dict[str, object]:
        return {
            "type": identifier.type,
            "value": self._value(identifier.value),
            "priority": identifier.priority,
        }

    def waterfall(self, waterfall: Waterfall | None) -> dict[str, object] | None:
        if waterfall is None:
            return None
        return {
            "units": waterfall.total,
            "bits": round(waterfall.bits, 6),
            "probability": round(waterfall.match_probability, 6),
            "words": waterfall.in_words(),
            "rows": [
                {
                    "kind": row.kind.value,
                    "label": row.label,
                    "level": row.level,
                    "units": row.units,
                    "bits": round(to_bits(row.units), 6),
                    "left": self._value(row.left),
                    "right": self._value(row.right),
                }
                for row in waterfall.rows
            ],
        }

    def _value(self, value: str | None) -> str | None:
        return value if value is None or self._show_values else MASKED


def step_words(step: Step) -> str:
    """One step in a sentence."""
    sizes = f"{_count(len(step.left))} with {_count(len(step.right))}"
    weight = "" if step.waterfall is None else f"{step.waterfall.bits:+.1f} bits"
    match step.kind:
        case StepKind.STEWARD:
            return f"a steward's decision joined {sizes}"
        case StepKind.IDENTIFIER | StepKind.ANONYMOUS:
            held = step.identifier
            name = "" if held is None else f"{held.type} (priority {held.priority})"
            late = " as the only person it fits" if step.kind is StepKind.ANONYMOUS else ""
            return f"the same {name} joined {sizes}{late}"
        case StepKind.WEIGHT:
            return f"the evidence, {weight}, joined {sizes}"


def standpoint(standpoint: Standpoint) -> dict[str, object]:
    bounded = standpoint.bounded
    return {
        "settled": standpoint.settled,
        "component_records": standpoint.component_records,
        "bounded": None
        if bounded is None
        else {
            "records": bounded.records,
            "records_max": bounded.records_max,
            "pairs": bounded.pairs,
            "pairs_max": bounded.pairs_max,
        },
    }


def _key(fact: KeyFact) -> dict[str, object]:
    return {
        "kind": fact.kind,
        "name": fact.name,
        "outcome": fact.outcome.value,
        "holders_max": fact.holders_max,
        "steward": fact.is_said,
    }


def _count(records: int) -> str:
    return "one record" if records == 1 else f"{records} records"
