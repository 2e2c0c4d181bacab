"""Households: who of those who live at one address belong together. Pure; nobody is merged.

A person lives where her latest address is. The household of a dwelling is everyone living there who
shares a surname or a phone number with another who lives there. ADR 20.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.record import RecordState

HOUSEHOLD_PEOPLE_MAX = 10  # more people at one address are a building
_ADDRESS = "address_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A record of a person. `dwelling` is the name of the account of those living where it says.

    `ties` are its surname and phone numbers, as they are compared.
    """

    profile: ProfileId
    key: RecordKey
    state: RecordState
    dwelling: str | None = None
    ties: frozenset[str] = frozenset()


People = Mapping[ProfileId, Sequence[PersonRecord]]


def people_of(records: Sequence[PersonRecord]) -> dict[ProfileId, list[PersonRecord]]:
    people: dict[ProfileId, list[PersonRecord]] = {}
    for record in sorted(records, key=lambda each: each.key):
        people.setdefault(record.profile, []).append(record)
    return people


def lives_at(records: Sequence[PersonRecord]) -> str | None:
    """The dwelling that was said last; undated words before dated ones, then by record key."""
    homes = [record for record in records if record.dwelling is not None]
    return max(homes, key=_when).dwelling if homes else None


def _when(record: PersonRecord) -> tuple[bool, int, RecordKey]:
    stamped = record.state.fields.get(_ADDRESS)
    dated = stamped is not None and stamped.dated
    return (dated, stamped.at if stamped is not None and dated else 0, record.key)


def is_building(dwelling: str, people: People) -> bool:
    return sum(lives_at(own) == dwelling for own in people.values()) > HOUSEHOLD_PEOPLE_MAX


def household(dwelling: str, people: People) -> list[ProfileId]:
    """Its members, by id. `people` are all who have a record at the dwelling, with all records."""
    ties = {
        profile: frozenset().union(*(record.ties for record in own))
        for profile, own in people.items()
        if lives_at(own) == dwelling
    }
    if len(ties) > HOUSEHOLD_PEOPLE_MAX:
        return []
    held = Counter(tie for own in ties.values() for tie in own)
    return sorted(profile for profile, own in ties.items() if any(held[tie] > 1 for tie in own))
