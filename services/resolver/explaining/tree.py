"""How a profile came to be: its units, every join in order, and what holds it together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.identity.domain.explained import Fragile, How, Note, SharedIdentifier, UnitFacts
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.store import Reading
from services.resolver.explaining.component import Component
from services.resolver.explaining.pairs import identifier_of, order_of
from services.resolver.explaining.replayed import Group, Replayed
from services.resolver.explaining.together import steps_of
from services.resolver.resolve.cluster import Case, Plan

STEPS_TOLD_MAX = 200  # each with the evidence of a pair: more nobody reads
RECORDS_TRIED_MAX = 12  # a larger profile is not tried without each of its records
COMPONENT_TRIED_MAX = 60  # nor one in a larger component: each try works through all of it


def explain_how(tx: Reading, component: Component, profile: ProfileId, number: int) -> How:
    """The profile of one record, by its number; without steps where its component is too large."""
    whole = component.whole
    place = component.place_of.get(number)
    if whole is None or place is None:
        stored = sorted(n for n, held in component.profiles.items() if held == profile)
        component.known.read(stored)
        return How(
            profile=profile,
            records=sorted(component.known.records[n].key for n in stored),
            units=(),
            steps=(),
            steps_left_out=0,
            confidence=None,
            ambiguous=False,
            notes=(),
            fragile=None,
            standpoint=component.standpoint(),
        )
    group, joins = whole.groups[place], whole.joins_of(place)
    outcome = next(each for each in whole.clustered.outcomes if number in each.records)
    return How(
        profile=profile,
        records=component.keys(group),
        units=_units(component, whole, group),
        steps=steps_of(tx, component, list(enumerate(joins[:STEPS_TOLD_MAX]))),
        steps_left_out=max(0, len(joins) - STEPS_TOLD_MAX),
        confidence=outcome.confidence,
        ambiguous=outcome.ambiguous,
        notes=[_note(note.kind, note.detail) for note in whole.clustered.notes],
        fragile=_fragile(component, whole, group),
        standpoint=component.standpoint(),
    )


def _units(component: Component, whole: Replayed, group: Group) -> list[UnitFacts]:
    """Late records, which join last, are in none."""
    late = set(whole.plan.late)
    return [
        UnitFacts(records=component.keys(unit), identifiers=_identifiers(component, whole, unit))
        for unit in whole.plan.joined.units
        if unit[0] in group and unit[0] not in late
    ]


def _identifiers(component: Component, whole: Replayed, unit: Group) -> list[SharedIdentifier]:
    rules = component.engine.deriver.rules
    texts = frozenset().union(*(whole.plan.decisive[place] for place in unit))
    return [identifier_of(t, rules) for t in sorted(texts, key=lambda t: order_of(t, rules))]


def _note(kind: str, detail: Mapping[str, object]) -> Note:
    facts = {
        name: value if isinstance(value, int | float) else str(value)
        for name, value in detail.items()
    }
    return Note(kind=kind, facts=facts)


def _fragile(component: Component, whole: Replayed, group: Group) -> list[Fragile] | None:
    """What the profile would fall into without one record, or one identifier; None: not tried."""
    case = whole.plan.case
    if len(group) > RECORDS_TRIED_MAX or len(case.records) > COMPONENT_TRIED_MAX:
        return None
    return [
        *_without_records(component, whole, group),
        *_without_identifiers(component, whole, group),
    ]


def _without_records(component: Component, whole: Replayed, group: Group) -> Iterator[Fragile]:
    case = whole.plan.case
    for gone in group if len(group) > 2 else ():  # noqa: PLR2004  # of two, one is left alone
        kept = [place for place in range(len(case.records)) if place != gone]
        records = [case.records[place] for place in kept]
        smaller = replace(
            case,
            records=records,
            features=[case.features[place] for place in kept],
            decisive=[case.decisive[place] for place in kept],
            word=component.word(records),
        )
        parts = _parts(component, whole, smaller, group)
        if len(parts) > 1:
            yield Fragile(record=case.records[gone].key, identifier=None, parts=parts)


def _without_identifiers(component: Component, whole: Replayed, group: Group) -> Iterator[Fragile]:
    case, rules = whole.plan.case, component.engine.deriver.rules
    held = [text for place in group for text in whole.plan.decisive[place]]
    several = {text for text in held if held.count(text) > 1}
    for text in sorted(several, key=lambda text: order_of(text, rules)):
        weaker = replace(case, decisive=[texts - {text} for texts in case.decisive])
        parts = _parts(component, whole, weaker, group)
        if len(parts) > 1:
            yield Fragile(record=None, identifier=identifier_of(text, rules), parts=parts)


def _parts(
    component: Component, whole: Replayed, case: Case, group: Group
) -> Sequence[Sequence[RecordKey]]:
    """The groups that the profile's records fall into in another case of its component."""
    keys = set(component.keys(group))
    again = component.replay(Plan(case, whole.plan.context))
    groups = {again.groups[p] for p, record in enumerate(case.records) if record.key in keys}
    return sorted(
        sorted(case.records[place].key for place in each if case.records[place].key in keys)
        for each in groups
    )
