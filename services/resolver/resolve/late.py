"""Anonymous records, placed last: with the only person who carries an identifier of theirs.

Where two people carry it (a shared device), or where a limit or a veto forbids it, the record stays
alone and is called ambiguous. Whom a steward called another person does not count, and records that
a steward called one are placed together. Pure; records are known by their places in key order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.identity.domain.identifiers import IdentityRules
from services.resolver.resolve.limits import Limit, refusal
from services.resolver.resolve.units import UnitJoin, join_units
from services.resolver.resolve.word import SILENCE, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """`clusters`: those given, in their order, and who came to each. `groups`: nobody else's.

    `joins`: what made the groups.
    """

    clusters: Sequence[Sequence[int]]
    groups: Sequence[Sequence[int]]
    ambiguous: Sequence[Sequence[int]]
    joins: Sequence[UnitJoin] = field(default=(), compare=False)


def place_late(
    decisive: Sequence[frozenset[str]],
    *,
    late: Sequence[int],
    clusters: Sequence[Sequence[int]],
    rules: IdentityRules,
    limits: Sequence[Limit],
    word: Word = SILENCE,
) -> Placed:
    """Late records come in key order: the first of two that exclude each other is taken."""
    if not late:
        return Placed(clusters=clusters, groups=(), ambiguous=())
    carried = [frozenset().union(*(decisive[i] for i in members)) for members in clusters]
    joined = [list(members) for members in clusters]
    alone: set[int] = set()
    ambiguous: list[tuple[int, ...]] = []
    for group in word.groups(sorted(late)):
        own = frozenset[str]().union(*(decisive[i] for i in group))
        fitting = [c for c, texts in enumerate(carried) if texts & own]
        if word.apart:
            fitting = [c for c in fitting if not word.separates(joined[c], group)]
        if not fitting:
            alone.update(group)
        elif len(fitting) > 1 or refusal(joined[fitting[0]], group, limits) is not None:
            ambiguous.append(group)
        else:
            joined[fitting[0]].extend(group)
    # All keep their places, so that the limits fit; only those alone have anything that joins.
    left = [texts if index in alone else frozenset() for index, texts in enumerate(decisive)]
    units = join_units(left, rules, limits, word=word.within(alone))
    groups = [unit for unit in units.units if unit[0] in alone]
    return Placed(clusters=joined, groups=groups, ambiguous=ambiguous, joins=units.joins)
