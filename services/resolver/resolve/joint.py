"""Identifiers that people may rightly share: an account number joins no two clear strangers. Pure.

Where the personal evidence of two records that hold one account number says that they are two
people (other given names, other dates of birth), the account is a joint one: its number joins only
records whose personal evidence speaks for one person, and says nothing of the others. What a
household shares (surname, address, e-mail, phone) counts neither for nor against. ADR 20.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.weights import UNITS_PER_BIT
from services.resolver.resolve.candidates import Pair

TWO_PEOPLE_BITS = 4  # sixteen times as likely two people: one plainly different given name
TWO_PEOPLE = -TWO_PEOPLE_BITS * UNITS_PER_BIT

Personal = Mapping[Pair, int]
"""By two places, the smaller first: the evidence of comparisons that no household shares."""


NOTHING_PERSONAL: Personal = MappingProxyType({})


def pairs_sharing(decisive: Sequence[frozenset[str]], rules: IdentityRules) -> set[Pair]:
    """Every two places that hold one shareable identifier, once."""
    holders: dict[str, list[int]] = defaultdict(list)
    for place, texts in enumerate(decisive):
        for text in texts:
            if rules.is_shareable(text.split("\x1f", 1)[0]):
                holders[text].append(place)
    return {pair for places in holders.values() for pair in combinations(places, 2)}


def groups_joined(
    holders: Sequence[int], unit_of: Mapping[int, Sequence[int]], personal: Personal
) -> list[list[int]]:
    """Which of an identifier's holders it may join: all, or of a joint account who fits whom.

    `unit_of` says which places are one already. The best pair comes first, equal ones in order.
    """
    apart = [
        (one, other)
        for one, other in combinations(holders, 2)
        if personal.get((one, other), 0) <= TWO_PEOPLE and unit_of[one] != unit_of[other]
    ]
    if not apart:
        return [list(holders)]
    groups: dict[int, frozenset[int]] = {
        place: frozenset(unit_of[place]).intersection(holders) for place in holders
    }
    likely = [(-w, p) for p in combinations(holders, 2) if (w := personal.get(p, 0)) > 0]
    for _, (one, other) in sorted(likely):
        union = groups[one] | groups[other]
        if not any(a in union and b in union for a, b in apart):
            groups |= dict.fromkeys(union, union)
    return [sorted(group) for group in sorted(set(groups.values()), key=min)]
