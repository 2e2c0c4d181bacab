"""Which value each field of the golden record keeps. Order of arrival never matters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.identity.domain.ids import RecordKey
from services.identity.domain.profile import ProfileField, Provenance
from services.identity.domain.record import Stamped

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
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
    count = Counter(str(each.stamped.value) for each in candidates)

    def merit(each: Candidate) -> tuple[int, bool, int, int, RecordKey]:
        first = {
            Rule.LATEST: 0,
            Rule.SOURCE_TRUST: each.trust,
            Rule.MOST_FREQUENT: count[str(each.stamped.value)],
            Rule.LONGEST: len(str(each.stamped.value)),
        }[rule]
        dated = each.stamped.dated
        return (first, dated, each.stamped.at if dated else 0, each.trust, each.record)

    ranked = sorted(candidates, key=merit, reverse=True)
    winner, rest = ranked[0], ranked[1:]
    shown = [_provenance(each) for each in rest if each.stamped.value != winner.stamped.value]
    return _field(winner, shown[:LOSING_SHOWN_MAX], rule)


def _field(winner: Candidate, losing: Sequence[Provenance], rule: Rule) -> ProfileField:
    best = _provenance(winner)
    return ProfileField(
        value=best.value,
        source=best.source,
        at=best.at,
        rule=rule.value,
        losing=tuple(losing),
    )


def _provenance(each: Candidate) -> Provenance:
    return Provenance(
        value=each.stamped.value,
        source=each.record.source,
        at=each.stamped.at if each.stamped.dated else None,
    )
