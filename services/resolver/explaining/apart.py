"""Why two records stand in different profiles: the first thing that kept them apart.

In the order in which the resolver asks: no events, a steward's word, no key in common, a source
unique within itself, too little weight for an edge; then, inside one component, the ladder, vetoes
and limits, and last the link between the two clusters. Anonymous records have reasons of their own.
"""

from services.identity.domain.explained import PairFacts, Reason, Standpoint, WhyNot
from services.identity.domain.ladder import is_loose
from services.identity.domain.weights import to_bits
from services.identity.store import Reading, StoredRecord
from services.resolver.explaining.component import Component
from services.resolver.explaining.pairs import generic_among, pair_facts, share_key
from services.resolver.explaining.within import Found, because, kept_apart, unsettled


def explain_apart(
    tx: Reading, components: tuple[Component, Component], ends: tuple[int, int]
) -> WhyNot:
    """Two records by number, each with its component; twice the same where they share it."""
    here, there = components
    here.known.read(ends)
    one, other = (here.known.records[number] for number in ends)
    (pair,) = pair_facts(tx, here.engine, [(one, other)])
    if one.state.is_empty or other.state.is_empty:
        found = because(Reason.NO_EVENTS, "of at least one of them no event is known any more")
    elif (decision := _decided(here, ends)) is not None:
        found = because(
            Reason.STEWARD, "a steward decided that they are two people", decision=decision
        )
    elif here is not there:
        found = _across(tx, here, (one, other), pair, step=min(here.step, there.step))
    elif here.whole is None:
        found = because(
            Reason.TOO_LARGE,
            "they share a component that is too large to be worked through here",
        )
    else:
        found = kept_apart(here.whole, here.place_of[ends[0]], here.place_of[ends[1]])
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


def _decided(component: Component, ends: tuple[int, int]) -> str | None:
    """The decision that keeps the two, or the people they stand with, apart."""
    if component.said is None:
        return None
    records, profiles = component.known.records, component.profiles
    sides = [
        {records[n].key for n, profile in profiles.items() if profile == profiles.get(end)}
        for end in ends
    ]
    for each in component.said.ruling.apart:
        for one, other in ((each.left, each.right), (each.right, each.left)):
            if not sides[0].isdisjoint(one) and not sides[1].isdisjoint(other):
                return each.decision
    return None


def _of_both(here: Component, there: Component) -> Standpoint:
    one, other = here.standpoint(), there.standpoint()
    return Standpoint(
        settled=one.settled and other.settled,
        component_records=max(one.component_records, other.component_records),
        bounded=one.bounded or other.bounded,
    )


def _across(
    tx: Reading,
    component: Component,
    records: tuple[StoredRecord, StoredRecord],
    pair: PairFacts,
    *,
    step: int,
) -> Found:
    """Two components: no edge that counts at their `step` leads from the one to the other."""
    one, other = records
    engine = component.engine
    if not share_key(one, other, generic_among(tx, one, other)):
        return because(
            Reason.NEVER_CANDIDATES,
            "they were never compared: they share no key that few enough records hold",
            **_outcomes(pair),
        )
    if not engine.may_pair(component.known, one.number, other.number):
        return because(
            Reason.VETOED,
            "both are of one source in which no two records are one person",
            rule="record of a unique source",
            values_max=1,
        )
    ladder = engine.context.ladder
    floor = ladder.floor
    if is_loose(step) and pair.waterfall.total < ladder.floor_at(step):
        return because(
            Reason.CUT_BY_LADDER,
            "identifiers tie them to so many others, each to the next, that nobody can be all of"
            f" these; there they count for what they weigh together, {pair.waterfall.bits:+.1f}"
            f" bits, and that is less than {to_bits(ladder.floor_at(step)):+.1f}",
            weight_bits=pair.waterfall.bits,
            floor_bits=to_bits(ladder.floor_at(step)),
            records_max=ladder.block_max,
        )
    if pair.waterfall.total < floor:
        return because(
            Reason.SCORED_TOO_LOW,
            f"they were compared, and weigh {pair.waterfall.bits:+.1f} bits:"
            f" less than the {to_bits(floor):+.1f} from which pairs are looked at further",
            weight_bits=pair.waterfall.bits,
            floor_bits=to_bits(floor),
        )
    if pair.waterfall.total < ladder.floor_at(step):
        return because(
            Reason.CUT_BY_LADDER,
            f"so many records are connected with them that the floor was raised by {step} steps:"
            f" they weigh {pair.waterfall.bits:+.1f} bits, less than the"
            f" {to_bits(ladder.floor_at(step)):+.1f} from which pairs count there",
            weight_bits=pair.waterfall.bits,
            floor_bits=to_bits(ladder.floor_at(step)),
            units_max=ladder.units_max_at(max(step - 1, 0)),
        )
    return unsettled()


def _outcomes(pair: PairFacts) -> dict[str, int]:
    """How the ways to become candidates came out."""
    counts: dict[str, int] = {}
    for fact in pair.keys:
        counts[fact.outcome.value] = counts.get(fact.outcome.value, 0) + 1
    return counts
