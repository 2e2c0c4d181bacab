"""Joins that wait for a person: under which bounds, and what of them is to be looked at. Pure.

Two large groups wait for what would move, two of too little evidence for what they have to show. A
steward's `same` about both grants either.
"""

from collections.abc import Iterator, Mapping, Sequence

from services.identity.domain.clustering import Clustering, Join, Problem, Radius
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.links import Link, link_of
from services.identity.domain.merge_policy import LeastEvidence, MergePolicy, count_personal
from services.identity.store import StoredRecord
from services.resolver.resolve.reviews import (
    DEMOTED_PROBABILITY,
    Note,
    held_note,
    lacking_note,
    what_moves,
)
from services.resolver.resolve.units import Units
from services.resolver.resolve.word import REASON, WAITS, Word


def radius_among(here: Mapping[int, int], rules: IdentityRules, word: Word) -> Radius | None:
    """`here` are the records of a part by place; None where no two clusters can be so large."""
    most = rules.blast_records_max
    if len(here) <= 2 * most:
        return None
    return Radius(records_max=most, granted=_granted(here, word))


def least_among(here: Mapping[int, int], policy: MergePolicy, word: Word) -> LeastEvidence | None:
    """None where what the model wants is enough."""
    if policy.asks_nothing:
        return None
    return LeastEvidence(
        weight_min=policy.weight_min,
        personal_fields_min=policy.personal_fields_min,
        granted=_granted(here, word),
    )


def _granted(here: Mapping[int, int], word: Word) -> list[frozenset[int]]:
    return [frozenset(here[place] for place in each if place in here) for each in word.granted]


def waiting_notes(
    records: Sequence[StoredRecord],
    problem: Problem,
    clustering: Clustering,
    policy: MergePolicy,
) -> Iterator[Note]:
    """The joins of one part that wait, whose records are those of the problem."""
    members: dict[int, list[int]] = {}
    for index, label in enumerate(clustering.labels.tolist()):
        members.setdefault(label, []).append(index)
    for join in _strongest_of_pairs(clustering.held, clustering):
        sides = [[records[i] for i in members[head]] for head in join[:2]]
        yield held_note(sides, weight=join.weight)
    for join in strongest_of_each(_strongest_of_pairs(clustering.lacking, clustering)):
        one, other = (members[head] for head in join[:2])
        sides = [[records[i] for i in side] for side in (one, other)]
        personal = personal_fields(link_between(problem, one, other), problem)
        yield lacking_note(sides, policy, weight=join.weight, personal_fields=personal)


def demoted_notes(
    records: Sequence[StoredRecord], joined: Units, groups: Sequence[Sequence[int]]
) -> Iterator[Note]:
    """Identifiers that joined nobody where a limit, a veto or their size forbade it.

    What a steward has decided needs no look; `groups` are the people as they are, by places.
    """
    for each in joined.demoted:
        if each.reason == REASON:
            continue
        ends = sorted(each.sides)
        detail: dict[str, object] = {
            "type": each.identifier_type,
            "scope": each.scope,
            "reason": each.reason,
        }
        if each.reason == WAITS:
            sides = [[records[i] for i in g] for end in ends for g in groups if end in g]
            detail |= what_moves(sides)
        yield Note(
            kind="blast_radius" if each.reason == WAITS else "identifier_demoted",
            detail=detail,
            records=[records[place].number for place in ends],
            probability=DEMOTED_PROBABILITY,
            moved=each.moved,
        )


def personal_fields(link: Link, problem: Problem) -> int:
    return count_personal(link.columns, problem.relatives.shared)


def link_between(problem: Problem, one: Sequence[int], other: Sequence[int]) -> Link:
    """What the link between two groups of a problem's records weighs."""
    pairs = problem.between(one, other)
    return link_of(
        problem.weights[pairs],
        problem.present[pairs],
        relatives=problem.relatives,
        tau=problem.tau,
        prior=problem.prior,
    )


def _strongest_of_pairs(joins: Sequence[Join], clustering: Clustering) -> list[Join]:
    """Of each two clusters that are left the strongest of their links."""
    labels = clustering.labels.tolist()
    strongest: dict[tuple[int, int], int] = {}
    for join in joins:
        one, other = sorted((labels[join.left], labels[join.right]))
        strongest[one, other] = max(join.weight, strongest.get((one, other), join.weight))
    return [Join(one, other, weight) for (one, other), weight in sorted(strongest.items())]


def strongest_of_each(joins: Sequence[Join]) -> list[Join]:
    """Those that are the strongest of a cluster: the others are asked when these are settled.

    So a component asks about no more joins than it has clusters.
    """
    best: dict[int, Join] = {}
    for join in sorted(joins, key=lambda each: (-each.weight, each.left, each.right)):
        for head in join[:2]:
            best.setdefault(head, join)
    return sorted(set(best.values()))
