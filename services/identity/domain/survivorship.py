"""Which value each field of the golden record keeps. Order of arrival never matters."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from services.identity.domain.ids import RecordKey
from services.identity.domain.profile import ProfileField, Provenance
from services.identity.domain.stamps import Stamped

LOSING_SHOWN_MAX = 10  # losing values shown for one field; all of them are stored with their record


class Rule(StrEnum):
    """How a field's value is chosen; ties always fall to the latest, then to record key."""

    LATEST = "latest"
    SOURCE_TRUST = "source_trust"
    MOST_FREQUENT = "most_frequent"
    LONGEST = "longest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivorship:
    """The rule of each field, and of those not named."""

    default: Rule = Rule.LATEST
    fields: Mapping[str, Rule] = field(default_factory=dict)

    def rule_for(self, name: str) -> Rule:
        return self.fields.get(name, self.default)


class Candidate(Struct, frozen=True):
    """One record's value of a field."""

    stamped: Stamped
    record: RecordKey
    trust: int


def survive(candidates: Sequence[Candidate], rule: Rule) -> ProfileField:
    """The surviving value with its provenance, and what it won over (bounded for show).

    Dated values go before undated ones: a load's instant must not decide between people's words.
    """
    if len(candidates) == 1:
        return _field(candidates[0], (), rule)
    first = _first_merit(candidates, rule)

    def merit(each: Candidate) -> tuple[int, bool, int, int, RecordKey]:
        dated = each.stamped.dated
        return (first(each), dated, each.stamped.at if dated else 0, each.trust, each.record)

    winner = max(candidates, key=merit)
    losing = [each for each in candidates if each.stamped.value != winner.stamped.value]
    losing.sort(key=merit, reverse=True)
    return _field(winner, [_provenance(each) for each in losing[:LOSING_SHOWN_MAX]], rule)


def _first_merit(candidates: Sequence[Candidate], rule: Rule) -> Callable[[Candidate], int]:
    """What the rule asks for; everything else only breaks ties."""
    match rule:
        case Rule.LATEST:
            return lambda _: 0
        case Rule.SOURCE_TRUST:
            return lambda each: each.trust
        case Rule.LONGEST:
            return lambda each: len(str(each.stamped.value))
        case Rule.MOST_FREQUENT:
            count = Counter(str(each.stamped.value) for each in candidates)
            return lambda each: count[str(each.stamped.value)]
        case _:
            assert_never(rule)


def _field(winner: Candidate, losing: Sequence[Provenance], rule: Rule) -> ProfileField:
    stamped = winner.stamped
    return ProfileField(
        value=stamped.value,
        source=winner.record.source,
        at=stamped.at if stamped.dated else None,
        rule=rule.value,
        losing=tuple(losing),
    )


def _provenance(each: Candidate) -> Provenance:
    return Provenance(
        value=each.stamped.value,
        source=each.record.source,
        at=each.stamped.at if each.stamped.dated else None,
    )
