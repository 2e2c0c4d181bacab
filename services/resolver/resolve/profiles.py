"""Clusters to profiles: the golden record of the records judged to be one person. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from services.identity.domain.holdings import holdings_of
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.profile import (
    Consent,
    EventCount,
    Holding,
    Identity,
    Profile,
    ProfileField,
)
from services.identity.domain.record import ConsentState, RecordState
from services.identity.domain.stamps import Seen
from services.identity.domain.survivorship import Candidate, Survivorship, survive

IDENTITIES_SHOWN_MAX = 200  # identifiers shown in one profile, by type and value


class Member(Struct, frozen=True, kw_only=True):
    """A record as a profile sees it."""

    key: RecordKey
    state: RecordState
    trust: int


def build_profile(
    profile_id: ProfileId,
    members: Sequence[Member],
    survivorship: Survivorship,
    *,
    confidence: float,
    ambiguous: bool = False,
) -> Profile:
    """What we tell the world about these records. The order of `members` does not matter."""
    ordered = sorted(members, key=lambda member: member.key)
    starts = [m.state.dated_from for m in ordered if m.state.dated_from is not None]
    ends = [m.state.dated_to for m in ordered if m.state.dated_to is not None]
    return Profile(
        id=profile_id,
        records=tuple(member.key for member in ordered),
        fields=_fields(ordered, survivorship),
        identities=_identities(ordered),
        holdings=_holdings(ordered),
        consents=_consents(ordered),
        events=_events(ordered),
        first_seen=min(starts, default=None),
        last_seen=max(ends, default=None),
        confidence=confidence,
        ambiguous=ambiguous,
    )


def _fields(members: Sequence[Member], survivorship: Survivorship) -> Mapping[str, ProfileField]:
    candidates: dict[str, list[Candidate]] = {}
    for member in members:
        for name, stamped in member.state.fields.items():
            if stamped.value is not None:
                candidates.setdefault(name, []).append(Candidate(stamped, member.key, member.trust))
    return {
        name: survive(candidates[name], survivorship.rule_for(name)) for name in sorted(candidates)
    }


def _identities(members: Sequence[Member]) -> Sequence[Identity]:
    found: dict[tuple[str, str], list[tuple[str, Seen]]] = {}
    for member in members:
        source = member.key.source
        for text, seen in member.state.identifiers.items():
            type_name, _, value = text.split("\x1f", 2)
            found.setdefault((type_name, value), []).append((source, seen))
    return tuple(_identity(*named, found[named]) for named in sorted(found)[:IDENTITIES_SHOWN_MAX])


def _identity(type_name: str, value: str, seen: Sequence[tuple[str, Seen]]) -> Identity:
    if len(seen) == 1:  # nearly always
        source, when = seen[0]
        return Identity(
            type=type_name,
            value=value,
            sources=(source,),
            first_seen=when.first,
            last_seen=when.last,
        )
    return Identity(
        type=type_name,
        value=value,
        sources=tuple(sorted({source for source, _ in seen})),
        first_seen=min((s.first for _, s in seen if s.first is not None), default=None),
        last_seen=max((s.last for _, s in seen if s.last is not None), default=None),
    )


def _holdings(members: Sequence[Member]) -> Sequence[Holding]:
    """Each record's products as that record last said: two accounts may hold the same product."""
    return tuple(each for member in members for each in holdings_of(member.key, member.state))


def _consents(members: Sequence[Member]) -> Sequence[Consent]:
    """Per purpose and channel her latest word; at equal time the restrictive one."""
    latest: dict[str, tuple[ConsentState, str]] = {}
    for member in members:
        for name, said in member.state.consents.items():
            known = latest.get(name)
            if known is None or known[0].order() < said.order():
                latest[name] = (said, member.key.source)
    return tuple(
        Consent(
            purpose=said.purpose,
            channel=said.channel,
            granted=said.granted,
            basis=said.basis,
            proof=said.proof,
            source=source,
            at=said.at,
        )
        for _, (said, source) in sorted(latest.items())
    )


def _events(members: Sequence[Member]) -> Mapping[str, EventCount]:
    result: dict[str, EventCount] = {}
    for member in members:
        for name, counted in member.state.counts.items():
            known = result.get(name)
            result[name] = EventCount(
                count=counted.count + (known.count if known else 0),
                first=min(counted.first, known.first) if known else counted.first,
                last=max(counted.last, known.last) if known else counted.last,
            )
    return dict(sorted(result.items()))
