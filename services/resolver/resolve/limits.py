"""Limits: how many distinct values of an identifier one person may hold, and what refuses a join.

Pure: what the records of a component carry decides alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.identifiers import IdentityRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `values_max` distinct values over the records of one cluster."""

    name: str
    values_max: int
    values: Sequence[frozenset[str]]


def limits_of(identifiers: Sequence[Mapping[str, object]], rules: IdentityRules) -> list[Limit]:
    """The limits that apply to these records: one for each limited type and scope they carry."""
    found: dict[tuple[str, str], list[set[str]]] = defaultdict(lambda: [set() for _ in identifiers])
    for index, texts in enumerate(identifiers):
        for text in texts:
            type_name = text[: text.index("\x1f")]
            declared = rules.types.get(type_name)
            if declared is not None and declared.max_per_profile is not None:
                _, scope, value = text.split("\x1f", 2)
                found[type_name, scope][index].add(value)
    return [
        Limit(
            name=type_name,
            values_max=rules.types[type_name].max_per_profile or 0,
            values=tuple(frozenset(each) for each in values),
        )
        for (type_name, scope), values in sorted(found.items())
        if sum(map(len, values)) > (rules.types[type_name].max_per_profile or 0)
    ]


def refusal(left: Sequence[int], right: Sequence[int], limits: Sequence[Limit]) -> str | None:
    """Why two groups of records may not be one person, or None."""
    for limit in limits:
        union: set[str] = set()
        for index in (*left, *right):
            union |= limit.values[index]
        if len(union) > limit.values_max:
            return f"more than {limit.values_max} {limit.name}"
    return None
