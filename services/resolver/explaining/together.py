"""Why two records stand in one profile: the joins on the way from one to the other."""

from collections.abc import Sequence

from services.identity.domain.explained import Explained, PairFacts, Step, StepKind
from services.identity.domain.ids import ProfileId
from services.identity.store import Reading, StoredRecord
from services.linkage.waterfall import cluster_step, link_waterfall
from services.resolver.explaining.component import Component
from services.resolver.explaining.pairs import identifier_of, pair_facts
from services.resolver.explaining.replayed import Joined, path_between
from services.resolver.resolve.word import STEWARD


def explain_together(
    tx: Reading, component: Component, profile: ProfileId, ends: tuple[int, int]
) -> Explained:
    """Two records of one component, by number, that stand in one profile.

    Where the component is not worked through, or says otherwise because something still waits to
    be resolved, there is no path and the standpoint says so.
    """
    known = component.known
    known.read(ends)
    one, other = (known.records[number] for number in ends)
    path: list[tuple[int, Joined]] | None = None
    if component.whole is not None:
        places = component.place_of
        if one.number in places and other.number in places:
            joins = component.whole.joins_of(places[one.number])
            path = path_between(joins, places[one.number], places[other.number])
    pairs = [_ends_of(component, join) for _, join in path or ()]
    direct, *facts = pair_facts(tx, component.engine, [(one, other), *pairs])
    return Explained(
        profile=profile,
        left=one.key,
        right=other.key,
        path=[
            step_of(component, number, join, pair)
            for (number, join), pair in zip(path or (), facts, strict=True)
        ],
        direct=direct,
        standpoint=component.standpoint(),
    )


def steps_of(tx: Reading, component: Component, joins: Sequence[tuple[int, Joined]]) -> list[Step]:
    """Joins with their evidence."""
    pairs = [_ends_of(component, join) for _, join in joins]
    facts = pair_facts(tx, component.engine, pairs)
    return [
        step_of(component, number, join, pair)
        for (number, join), pair in zip(joins, facts, strict=True)
    ]


def step_of(component: Component, number: int, join: Joined, pair: PairFacts) -> Step:
    model, rules = component.engine.deriver.model, component.engine.deriver.rules
    text = join.identifier
    decision = None if text is None else decision_of(text)
    identifier = None if text is None or decision is not None else identifier_of(text, rules)
    kind = StepKind.WEIGHT
    if decision is not None:
        kind = StepKind.STEWARD
    elif identifier is not None:
        kind = StepKind.ANONYMOUS if join.is_late else StepKind.IDENTIFIER
    return Step(
        number=number + 1,
        kind=kind,
        left=component.keys(join.left),
        right=component.keys(join.right),
        pair=pair,
        identifier=identifier,
        decision=decision,
        waterfall=None if join.link is None else cluster_step(pair.waterfall, join.link),
        link=None if join.link is None else link_waterfall(model, join.link),
    )


def decision_of(text: str) -> str | None:
    """The steward's decision that stands in the place of an identifier; None for an identifier."""
    kind, _, value = text.split("\x1f", 2)
    return value if kind == STEWARD else None


def _ends_of(component: Component, join: Joined) -> tuple[StoredRecord, StoredRecord]:
    if component.whole is None:
        raise ValueError("what was not worked through has no joins")
    records = component.whole.plan.case.records
    return records[join.ends[0]], records[join.ends[1]]
