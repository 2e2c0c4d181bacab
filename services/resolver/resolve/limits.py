"""Limits: how many distinct values of an identifier one person may hold, and what refuses a join.

Pure: what the records of a component carry decides alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.merge_limit import Held, MergeLimit
from services.identity.domain.stamps import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What the records of one cluster may hold at most of one thing, and what each holds of it."""

    name: str
    most: MergeLimit
    values: Sequence[frozenset[Held]]

    def is_broken_by(self, places: Sequence[int]) -> bool:
        """Whether these records together hold too much."""
        union: set[Held] = set()
        for place in places:
            union |= self.values[place]
        return self.most.is_broken_by(union)


def limits_of(identifiers: Sequence[Mapping[str, Seen]], rules: IdentityRules) -> list[Limit]:
    """The limits that apply to these records: one for each limited type and scope they carry.

    What cannot be broken by all of them together is left out.
    """
    limited = {name: each.limit for name, each in rules.types.items() if each.limit is not None}
    found: dict[tuple[str, str], list[set[Held]]] = defaultdict(
        lambda: [set() for _ in identifiers]
    )
    for place, texts in enumerate(identifiers):
        for text, seen in texts.items():
            most = limited.get(text[: text.index("\x1f")])
            if most is not None:
                type_name, scope, value = text.split("\x1f", 2)
                found[type_name, scope][place].update(_held(value, seen, most))
    limits = [
        Limit(name=name, most=limited[name], values=tuple(map(frozenset, values)))
        for (name, _), values in sorted(found.items())
        if sum(map(len, values)) > limited[name].values_max
    ]
    if len(identifiers) > rules.profile_records_max:
        own = tuple(frozenset({Held(str(place), None)}) for place in range(len(identifiers)))
        most = MergeLimit(values_max=rules.profile_records_max)
        limits.append(Limit(name="records", most=most, values=own))
    return limits


def _held(value: str, seen: Seen, most: MergeLimit) -> set[Held]:
    """The instants at which a value is known to have been said matter to a span only."""
    if most.within_days is None:
        return {Held(value, None)}
    return {Held(value, seen.first), Held(value, seen.last)}


class Holdings:
    """What each growing group of records holds of what is limited, added up as groups join.

    A group is known by its list, which must live as long as this does.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._held: dict[int, list[set[Held]]] = {}

    def refusal(self, left: list[int], right: list[int]) -> str | None:
        """Why two groups may not be one person, or None; as `refusal` says."""
        held = zip(self._limits, self._of(left), self._of(right), strict=True)
        for limit, one, other in held:
            if limit.most.is_broken_by_both(one, other):
                return _words(limit)
        return None

    def join(self, left: list[int], right: list[int]) -> None:
        """The right group goes into the left one."""
        for one, other in zip(self._of(left), self._of(right), strict=True):
            one.update(other)
        del self._held[id(right)]

    def _of(self, group: list[int]) -> list[set[Held]]:
        found = self._held.get(id(group))
        if found is None:
            found = [
                set[Held]().union(*(limit.values[place] for place in group))
                for limit in self._limits
            ]
            self._held[id(group)] = found
        return found


def refusal(left: Sequence[int], right: Sequence[int], limits: Sequence[Limit]) -> str | None:
    """Why two groups of records may not be one person, or None."""
    for limit in limits:
        if limit.is_broken_by((*left, *right)):
            return _words(limit)
    return None


def _words(limit: Limit) -> str:
    return f"more than {limit.most.text()} {limit.name}"
