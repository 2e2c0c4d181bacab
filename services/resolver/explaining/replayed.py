"""One component clustered once more, with every join remembered in its order. Pure.

The same functions decide as in resolve/cluster.py: units, ladder, agglomeration, late records.
Records are known by their places in key order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from services.identity.domain.cluster_links import square_of_pairs
from services.identity.domain.clustering import Clustering, Problem, agglomerate_all
from services.identity.domain.explained import Reason
from services.identity.domain.links import Link
from services.resolver.explaining.pairs import order_of
from services.resolver.resolve.cluster import Clustered, Part, Plan, clusters_of, problems_of
from services.resolver.resolve.held import link_between, personal_fields
from services.resolver.resolve.late import Placed
from services.resolver.resolve.weighed import Weighed

Group = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Two groups became one; `ends` are two records that stand for them.

    By an identifier (type, scope and value as text), or by a link that weighs what it says.
    """

    left: Group
    right: Group
    ends: tuple[int, int]
    identifier: str | None = None
    link: Link | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReplayed:
    """One part that was small enough to be clustered: what was asked, and what came out."""

    part: Part
    problem: Problem | None
    clustering: Clustering | None

    def link(self, left: Sequence[int], right: Sequence[int]) -> Link:
        """What the link between two groups of its records weighs."""
        problem, one, other = self._asked(left, right)
        return link_between(problem, one, other)

    def personal_fields(self, link: Link) -> int:
        """How many fields that no household shares speak strongly for it."""
        return 0 if self.problem is None else personal_fields(link, self.problem)

    def waits_for(self, left: int, right: int) -> Reason | None:
        """What keeps the clusters of two records waiting for a person, if something does."""
        if self.clustering is None:
            return None
        here = {place: index for index, place in enumerate(self.part.places)}
        labels = self.clustering.labels.tolist()
        asked = {labels[here[left]], labels[here[right]]}
        for joins, reason in (
            (self.clustering.held, Reason.BLAST_RADIUS),
            (self.clustering.lacking, Reason.MERGE_POLICY),
        ):
            if any({labels[join.left], labels[join.right]} == asked for join in joins):
                return reason
        return None

    def strongest(self, left: Sequence[int], right: Sequence[int]) -> tuple[int, int]:
        """Of the pairs between two groups the one that weighs most; the smaller of equals."""
        problem, one, other = self._asked(left, right)
        pairs = sorted(product(left, right))
        place = dict(zip((*left, *right), (*one, *other), strict=True))
        rows, columns = [place[a] for a, _ in pairs], [place[b] for _, b in pairs]
        weights = problem.weights[square_of_pairs(problem.size)[rows, columns]].astype(np.int64)
        totals = weights.sum(axis=1) - problem.relatives.taken_off(weights)
        return pairs[int(totals.argmax())]

    def _asked(
        self, left: Sequence[int], right: Sequence[int]
    ) -> tuple[Problem, list[int], list[int]]:
        """The problem, and two groups as it knows them."""
        if self.problem is None:
            raise ValueError("a part of one unit has no links")
        here = {place: index for index, place in enumerate(self.part.places)}
        return self.problem, [here[i] for i in left], [here[i] for i in right]


class Replayed:
    """A plan worked through: outcomes as the resolver has them, and how they came about."""

    def __init__(self, plan: Plan, asked: Sequence[Part], weighed: Weighed) -> None:
        """`asked` are the parts of several units, of which all pairs are weighed."""
        self.plan = plan
        problems = problems_of(asked, weighed)
        found = {
            id(part): (problem, clustering)
            for part, problem, clustering in zip(
                asked, problems, agglomerate_all(problems), strict=True
            )
        }
        for part in plan.parts:
            if id(part) in found:
                plan.hold(part, *found[id(part)])
        self.parts = [_part(part, found.get(id(part))) for part in plan.parts]
        self._clusters = [
            cluster
            for each in self.parts
            for cluster in (
                [(list(each.part.places), 1.0)]
                if each.clustering is None
                else clusters_of(each.part.places, each.clustering)
            )
        ]
        self.clusters: Sequence[Group] = [tuple(sorted(places)) for places, _ in self._clusters]

    @cached_property
    def clustered(self) -> Clustered:
        """The outcomes, by the records' numbers, and the notes."""
        return self.plan.finish(self._clusters)

    @cached_property
    def placed(self) -> Placed:
        return self.plan.place(self.clusters)

    @cached_property
    def part_of(self) -> Mapping[int, PartReplayed]:
        """Of each record that is not late the part it was clustered in."""
        return {place: each for each in self.parts for place in each.part.places}

    @cached_property
    def cluster_of(self) -> Mapping[int, Group]:
        """Of each record that is not late its cluster, without late ones."""
        return {place: group for group in self.clusters for place in group}

    @cached_property
    def joins(self) -> Sequence[Joined]:
        """Every join of the component in order: identifiers, links part by part, late records."""
        groups: dict[int, Group] = {i: (i,) for i in range(len(self.plan.case.records))}
        result: list[Joined] = []
        for found in self._found(groups):
            if found.left == found.right:
                continue  # a word ties late records before they are placed, and when they are
            result.append(found)
            both = tuple(sorted(found.left + found.right))
            groups.update(dict.fromkeys(both, both))
        return result

    @cached_property
    def groups(self) -> Mapping[int, Group]:
        """Of each record all that ended up with it: the outcomes, by places."""
        groups: dict[int, Group] = {i: (i,) for i in range(len(self.plan.case.records))}
        for join in self.joins:
            both = tuple(sorted(join.left + join.right))
            groups.update(dict.fromkeys(both, both))
        return groups

    def joins_of(self, place: int) -> list[Joined]:
        """The joins that made the profile of a record, in their order."""
        group = set(self.groups[place])
        return [join for join in self.joins if join.left[0] in group]

    def _found(self, groups: Mapping[int, Group]) -> Iterator[Joined]:
        """Each join, once those before it stand in `groups`."""
        for text, left, right in self.plan.joined.joins:
            yield _by_identifier(groups, text, left, right, is_late=False)
        for each in self.parts:
            for join in each.clustering.joins if each.clustering else ():
                one = groups[each.part.places[join.left]]
                other = groups[each.part.places[join.right]]
                yield Joined(
                    left=one,
                    right=other,
                    ends=each.strongest(one, other),
                    link=each.link(one, other).weighing(join.weight),
                )
        for text, left, right in self.placed.joins:
            yield _by_identifier(groups, text, left, right, is_late=True)
        yield from self._late_joins(groups)

    def _late_joins(self, groups: Mapping[int, Group]) -> Iterator[Joined]:
        late, rules = set(self.plan.late), self.plan.context.rules
        decisive = self.plan.decisive
        for members, cluster in zip(self.placed.clusters, self.clusters, strict=True):
            told: set[int] = set()
            for place in sorted(late.intersection(members)):
                shared = [
                    (order_of(text, rules), carrier)
                    for carrier in cluster
                    for text in decisive[carrier] & decisive[place]
                ]
                if shared:
                    text, end = min(shared)
                    told.add(place)
                    yield _by_identifier(groups, text[1], end, place, is_late=True)
            yield from self._told_along(groups, told, late.intersection(members) - told)

    def _told_along(
        self, groups: Mapping[int, Group], told: set[int], others: set[int]
    ) -> Iterator[Joined]:
        """Late records that came along because a steward called them one with another."""
        while others:
            links = [
                (link, here, there)
                for link in sorted(self.plan.case.word.links)
                for here, there in ((link.left, link.right), (link.right, link.left))
                if here in told and there in others
            ]
            if not links:
                return
            link, here, there = links[0]
            told.add(there)
            others.discard(there)
            yield _by_identifier(groups, link.text(), here, there, is_late=True)


def _part(part: Part, found: tuple[Problem, Clustering] | None) -> PartReplayed:
    problem, clustering = found or (None, None)
    return PartReplayed(part=part, problem=problem, clustering=clustering)


def _by_identifier(
    groups: Mapping[int, Group], text: str, left: int, right: int, *, is_late: bool
) -> Joined:
    return Joined(
        left=groups[left],
        right=groups[right],
        ends=(left, right),
        identifier=text,
        is_late=is_late,
    )


def path_between(joins: Sequence[Joined], start: int, goal: int) -> list[tuple[int, Joined]] | None:
    """The joins, each with its number, that lead from one record to another; None: there is none.

    Every join is an edge between its two ends. Joins never close a circle, so the way is the only
    one.
    """
    ways: dict[int, list[tuple[int, int]]] = {}
    for number, join in enumerate(joins):
        for here, there in (join.ends, join.ends[::-1]):
            ways.setdefault(here, []).append((there, number))
    came: dict[int, tuple[int, int]] = {start: (start, -1)}
    waiting = [start]
    while waiting and goal not in came:
        here = waiting.pop()
        for there, number in ways.get(here, ()):
            if there not in came:
                came[there] = (here, number)
                waiting.append(there)
    if goal not in came:
        return None
    path = []
    while goal != start:
        goal, number = came[goal]
        path.append((number, joins[number]))
    return path[::-1]
