"""What kept two records of one component apart: ladder, veto, limit, policy or their link. Pure.

Anonymous records, placed last, have reasons of their own. Records are known by their places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.identity.domain.evidence import Waterfall
from services.identity.domain.explained import Reason
from services.identity.domain.ladder import FLOOR_STEP, Edge, Place, lay_out
from services.identity.domain.links import Link
from services.identity.domain.merge_limit import MergeLimit
from services.identity.domain.weights import to_bits
from services.linkage.waterfall import link_waterfall
from services.resolver.explaining.replayed import Group, Replayed
from services.resolver.resolve.cluster import PART_RECORDS_MAX
from services.resolver.resolve.limits import Limit, refusal
from services.resolver.resolve.reviews import probability_of
from services.resolver.resolve.word import WAITS

Facts = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A reason with what the words count."""

    reason: Reason
    words: str
    facts: Facts
    between: tuple[Group, Group] | None = None
    link: Waterfall | None = None


def because(reason: Reason, words: str, **facts: str | float) -> Found:
    return Found(reason=reason, words=words, facts=facts)


def unsettled() -> Found:
    words = "worked out again they belong together: something still waits to be resolved"
    return because(Reason.NOT_SETTLED, words)


def kept_apart(whole: Replayed, one: int, other: int) -> Found:
    """One component, known by places."""
    if whole.groups[one] == whole.groups[other]:
        return unsettled()
    late = set(whole.plan.late)
    if one in late or other in late:
        return _late(whole, *((one, other) if one in late else (other, one)))
    if whole.part_of[one] is not whole.part_of[other]:
        return _cut(whole, one, other)
    return _separated(whole, one, other)


def _late(whole: Replayed, late: int, other: int) -> Found:
    """An anonymous record of which nothing could be compared joins the only person it fits."""
    plan = whole.plan
    said, decisive = plan.case.word, plan.decisive
    own = next(group for group in said.groups(sorted(plan.late)) if late in group)
    carried = frozenset[str]().union(*(decisive[place] for place in own))
    fitting = [
        group
        for group in whole.clusters
        if any(carried & decisive[place] for place in group) and not said.separates(group, own)
    ]
    if len(fitting) > 1:
        return because(
            Reason.SHARED_DEVICE,
            f"{len(fitting)} people carry an identifier of this anonymous record,"
            " so that it cannot be said whose it is",
            people=len(fitting),
        )
    group = whole.cluster_of.get(other, whole.groups[other])
    if not any(carried & decisive[place] for place in group):
        return because(
            Reason.NOTHING_TO_COMPARE,
            "an anonymous record joins by an identifier alone, and shares none with that person",
        )
    return _limited(whole.groups[late], whole.groups[other], plan.limits) or because(
        Reason.NOTHING_TO_COMPARE,
        "anonymous records join the person who carries their identifier; these two share one that"
        " only they carry",
    )


def _cut(whole: Replayed, one: int, other: int) -> Found:
    plan, ladder = whole.plan, whole.plan.context.ladder
    units = [unit for part in plan.parts for unit in part.units]
    unit_of = {place: number for number, unit in enumerate(units) for place in unit}
    base = ladder.floor
    edges = [edge for edge in plan.edges(units) if edge[2] >= base]
    cut = dict.fromkeys(range(len(units)), Place(0))
    if len(units) > ladder.units_max_at(0):
        cut = lay_out(dict.fromkeys(cut, 0), [Edge(*e) for e in edges], ladder)
    if cut[unit_of[one]].part == cut[unit_of[other]].part:
        return because(
            Reason.CUT_BY_LADDER,
            "the units around them hold more records than are compared all with all, so that each"
            " unit stays by itself",
            units=len(units),
            records_max=PART_RECORDS_MAX,
        )
    units_max = ladder.units_max_at(0)
    held = _bottleneck(edges, unit_of[one], unit_of[other])
    floor = base if held is None else base + FLOOR_STEP * ((held - base) // FLOOR_STEP + 1)
    return because(
        Reason.CUT_BY_LADDER,
        f"their component of {len(units)} units is larger than the {units_max} that edges so weak"
        " may hold together; the floor was raised until its parts were small enough, and at"
        f" {to_bits(floor):+.1f} bits no edge led from the one to the other any more",
        units=len(units),
        units_max=units_max,
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


def _separated(whole: Replayed, one: int, other: int) -> Found:
    """Two clusters of one part: a veto or a limit forbids them to join, or their link does."""
    left, right = whole.cluster_of[one], whole.cluster_of[other]
    link = whole.part_of[one].link(left, right)
    told = link_waterfall(whole.plan.context.model, link)
    vetoed = _vetoed(whole, left, right)
    if vetoed is not None:
        return Found(
            reason=vetoed.reason,
            words=vetoed.words,
            facts={**vetoed.facts, "link_bits": told.bits},
            between=(left, right),
            link=told,
        )
    waits = _waiting(whole, (left, right), link)
    if waits is not None:
        return Found(
            reason=waits.reason,
            words=waits.words,
            facts={**waits.facts, "link_bits": told.bits},
            between=(left, right),
            link=told,
        )
    if link.total > 0:
        return unsettled()
    return Found(
        reason=Reason.CLUSTERING,
        words=f"the evidence between the two groups, {told.bits:+.1f} bits, is not above even odds",
        facts={"link_bits": told.bits, "pairs": link.pairs},
        between=(left, right),
        link=told,
    )


def _waiting(whole: Replayed, between: tuple[Group, Group], link: Link) -> Found | None:
    """A join that the model wants, and that waits for a steward's word."""
    one, other = between
    part, rules = whole.part_of[one[0]], whole.plan.context.rules
    reason = part.waits_for(one[0], other[0])
    if any(d.reason == WAITS and _stand(d.sides, between) for d in whole.plan.joined.demoted):
        reason = Reason.BLAST_RADIUS
    if reason is Reason.BLAST_RADIUS:
        return because(
            reason,
            f"both groups have more than {rules.blast_records_max} records: so large a merge waits"
            " for a steward",
            records_max=rules.blast_records_max,
            left_records=len(one),
            right_records=len(other),
        )
    if reason is not Reason.MERGE_POLICY:
        return None
    policy, sure = rules.merge_policy, probability_of(link.total)
    personal = part.personal_fields(link)
    return because(
        reason,
        f"the model would join them ({sure:.6g} sure, {personal} personal fields agree), the merge"
        f" policy asks for {policy.confidence_min:.6g} and {policy.personal_fields_min}: it waits"
        " for a steward",
        confidence=sure,
        confidence_min=policy.confidence_min,
        personal_fields=personal,
        personal_fields_min=policy.personal_fields_min,
    )


def _stand(sides: tuple[int, int], between: tuple[Group, Group]) -> bool:
    """Whether the one record is of the one group, and the other of the other."""
    return any(here in between[0] and there in between[1] for here, there in (sides, sides[::-1]))


def _vetoed(whole: Replayed, left: Group, right: Group) -> Found | None:
    """A veto on two of their records, or a limit that one person of both groups would break."""
    vetoes, rows = whole.plan.vetoes, [*left, *right]
    across = vetoes.among(rows)[: len(left), len(left) :]
    if across.any():
        one, other = (int(place) for place in np.argwhere(across)[0])
        is_source = vetoes.unique[left[one]] == vetoes.unique[right[other]] >= 0
        name = "record of a unique source" if is_source else "generation"
        return _forbidden(name, MergeLimit(values_max=1), (left, right))
    return _limited(left, right, whole.plan.identifier_limits)


def _limited(left: Group, right: Group, limits: Sequence[Limit]) -> Found | None:
    for limit in limits:
        if refusal(left, right, [limit]) is not None:
            return _forbidden(limit.name, limit.most, (left, right))
    return None


def _forbidden(rule: str, most: MergeLimit, between: tuple[Group, Group]) -> Found:
    facts: dict[str, str | int | float] = {"rule": rule, "values_max": most.values_max}
    if most.within_days is not None:
        facts["within_days"] = most.within_days
    return Found(
        reason=Reason.VETOED,
        words=f"one person would have more than {most.text()} {rule}, which the rules forbid",
        facts=facts,
        between=between,
    )
