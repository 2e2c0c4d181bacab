"""Why two records stand in different profiles: the first thing that kept them apart.

In the order in which the resolver asks: no events, no key in common, a source unique within itself,
too little weight for an edge; then, inside one component, the ladder, vetoes and limits, and last
the link between the two clusters. Anonymous records, placed last, have reasons of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import PairFacts, Reason, Standpoint, WhyNot
from services.identity.domain.ladder import FLOOR_STEP, floor_at
from services.identity.domain.weights import to_bits
from services.identity.store import Reading, StoredRecord
from services.linkage.waterfall import link_waterfall
from services.resolver.explaining.component import Component
from services.resolver.explaining.pairs import generic_among, pair_facts, share_key
from services.resolver.explaining.replayed import Group, Replayed
from services.resolver.resolve.limits import refusal

Facts = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A reason with what the words count."""

    reason: Reason
    words: str
    facts: Facts
    between: tuple[Group, Group] | None = None
    link: Waterfall | None = None


def explain_apart(
    tx: Reading, components: tuple[Component, Component], ends: tuple[int, int]
) -> WhyNot:
    """Two records by number, each with its component; twice the same where they share it."""
    here, there = components
    here.known.read(ends)
    one, other = (here.known.records[number] for number in ends)
    (pair,) = pair_facts(tx, here.engine, [(one, other)])
    if one.state.is_empty or other.state.is_empty:
        found = _found(Reason.NO_EVENTS, "of at least one of them no event is known any more")
    elif here.id != there.id:
        found = _across(tx, here, (one, other), pair, step=min(here.step, there.step))
    elif here.whole is None:
        found = _found(
            Reason.TOO_LARGE,
            "they share a component that is too large to be worked through here",
        )
    else:
        found = _within(here, here.whole, here.place_of[ends[0]], here.place_of[ends[1]])
    between = found.between
    return WhyNot(
        reason=found.reason,
        words=found.words,
        left=one.key,
        right=other.key,
        profiles=(here.profiles[ends[0]], there.profiles[ends[1]]),
        facts=found.facts,
        pair=pair,
        standpoint=_of_both(here, there),
        between=None if between is None else (here.keys(between[0]), here.keys(between[1])),
        link=found.link,
    )


def _of_both(here: Component, there: Component) -> Standpoint:
    one, other = here.standpoint(), there.standpoint()
    return Standpoint(
        settled=one.settled and other.settled,
        component_records=max(one.component_records, other.component_records),
        bounded=one.bounded or other.bounded,
    )


def _found(reason: Reason, words: str, **facts: str | float) -> _Found:
    return _Found(reason=reason, words=words, facts=facts)


def _across(
    tx: Reading,
    component: Component,
    records: tuple[StoredRecord, StoredRecord],
    pair: PairFacts,
    *,
    step: int,
) -> _Found:
    """Two components: no edge that counts at their `step` leads from the one to the other."""
    one, other = records
    engine = component.engine
    if not share_key(one, other, generic_among(tx, one, other)):
        return _found(
            Reason.NEVER_CANDIDATES,
            "they were never compared: they share no key that few enough records hold",
            **_outcomes(pair),
        )
    if not engine.may_pair(component.known, one.number, other.number):
        return _found(
            Reason.VETOED,
            "both are of one source in which no two records are one person",
            rule="record of a unique source",
            values_max=1,
        )
    floor = engine.deriver.model.edge_floor_units
    if pair.waterfall.total < floor:
        return _found(
            Reason.SCORED_TOO_LOW,
            f"they were compared, and weigh {pair.waterfall.bits:+.1f} bits:"
            f" less than the {to_bits(floor):+.1f} from which pairs are looked at further",
            weight_bits=pair.waterfall.bits,
            floor_bits=to_bits(floor),
        )
    if pair.waterfall.total < floor_at(step, floor):
        return _found(
            Reason.CUT_BY_LADDER,
            f"so many records are connected with them that the floor was raised by {step} steps:"
            f" they weigh {pair.waterfall.bits:+.1f} bits, less than the"
            f" {to_bits(floor_at(step, floor)):+.1f} from which pairs count there",
            weight_bits=pair.waterfall.bits,
            floor_bits=to_bits(floor_at(step, floor)),
            units_max=engine.context.units_max,
        )
    return _unsettled()


def _unsettled() -> _Found:
    words = "worked out again they belong together: something still waits to be resolved"
    return _found(Reason.NOT_SETTLED, words)


def _outcomes(pair: PairFacts) -> dict[str, int]:
    """How the ways to become candidates came out."""
    counts: dict[str, int] = {}
    for fact in pair.keys:
        counts[fact.outcome.value] = counts.get(fact.outcome.value, 0) + 1
    return counts


def _within(component: Component, whole: Replayed, one: int, other: int) -> _Found:
    """One component, known by places."""
    if whole.groups[one] == whole.groups[other]:
        return _unsettled()
    late = set(whole.plan.late)
    if one in late or other in late:
        return _late(whole, *((one, other) if one in late else (other, one)))
    if whole.part_of[one] is not whole.part_of[other]:
        return _cut(whole, one, other)
    return _separated(component, whole, one, other)


def _late(whole: Replayed, late: int, other: int) -> _Found:
    """An anonymous record of which nothing could be compared joins the only person it fits."""
    plan = whole.plan
    carried = plan.decisive[late]
    fitting = [
        group for group in whole.clusters if any(carried & plan.decisive[place] for place in group)
    ]
    if len(fitting) > 1:
        return _found(
            Reason.SHARED_DEVICE,
            f"{len(fitting)} people carry an identifier of this anonymous record,"
            " so that it cannot be said whose it is",
            people=len(fitting),
        )
    group = whole.cluster_of.get(other, whole.groups[other])
    if not any(carried & plan.decisive[place] for place in group):
        return _found(
            Reason.NOTHING_TO_COMPARE,
            "an anonymous record joins by an identifier alone, and shares none with that person",
        )
    return _vetoed(whole, whole.groups[late], whole.groups[other]) or _found(
        Reason.NOTHING_TO_COMPARE,
        "anonymous records join the person who carries their identifier; these two share one that"
        " only they carry",
    )


def _cut(whole: Replayed, one: int, other: int) -> _Found:
    plan = whole.plan
    units = [unit for part in plan.parts for unit in part.units]
    unit_of = {place: number for number, unit in enumerate(units) for place in unit}
    base = plan.context.model.edge_floor_units
    edges = [edge for edge in plan.edges(units) if edge[2] >= base]
    held = _bottleneck(edges, unit_of[one], unit_of[other])
    floor = base if held is None else base + FLOOR_STEP * ((held - base) // FLOOR_STEP + 1)
    return _found(
        Reason.CUT_BY_LADDER,
        f"their component of {len(units)} units is larger than {plan.context.units_max}; the floor"
        f" was raised until its parts were small enough, and at {to_bits(floor):+.1f} bits no edge"
        " led from the one to the other any more",
        units=len(units),
        units_max=plan.context.units_max,
        floor_bits=to_bits(floor),
        parts=len(plan.parts),
    )


def _bottleneck(edges: Sequence[tuple[int, int, int]], one: int, other: int) -> int | None:
    """The weight of the weakest edge on the strongest way; None where there is no way."""
    root: dict[int, int] = {}

    def find(node: int) -> int:
        while root.get(node, node) != node:
            node = root[node]
        return node

    for left, right, weight in sorted(edges, key=lambda edge: -edge[2]):
        root[find(left)] = find(right)
        if find(one) == find(other):
            return weight
    return None


def _separated(component: Component, whole: Replayed, one: int, other: int) -> _Found:
    """Two clusters of one part: a veto or a limit forbids them to join, or their link does."""
    left, right = whole.cluster_of[one], whole.cluster_of[other]
    link = whole.part_of[one].link(left, right)
    told = link_waterfall(component.engine.deriver.model, link)
    vetoed = _vetoed(whole, left, right)
    if vetoed is not None:
        return _Found(
            reason=vetoed.reason,
            words=vetoed.words,
            facts={**vetoed.facts, "link_bits": told.bits},
            between=(left, right),
            link=told,
        )
    if link.total > 0:
        return _unsettled()
    return _Found(
        reason=Reason.CLUSTERING,
        words=f"the evidence between the two groups, {told.bits:+.1f} bits, is not above even odds",
        facts={"link_bits": told.bits, "pairs": link.pairs},
        between=(left, right),
        link=told,
    )


def _vetoed(whole: Replayed, left: Group, right: Group) -> _Found | None:
    """The first limit that one person of both groups would break, those of one first."""
    plan = whole.plan
    for limit in (*plan.vetoes.as_limits(), *plan.identifier_limits):
        reason = refusal(left, right, [limit])
        if reason is not None:
            return _Found(
                reason=Reason.VETOED,
                words=f"one person would have {reason}, which the rules forbid",
                facts={"rule": limit.name, "values_max": limit.most.values_max},
                between=(left, right),
            )
    return None
