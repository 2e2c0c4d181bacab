"""A profile as the API answers it: plain values, times as RFC 3339, and only what was asked."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from services.identity.domain.ids import RecordKey
from services.identity.domain.profile import (
    Consent,
    EventCount,
    Holding,
    Identity,
    Profile,
    ProfileField,
)
from services.identity.domain.reading import Stay, StoredView
from services.identity.wire.profiles import decode
from services.profile_api.times import instant


def profile_answer(
    view: StoredView, *, requested: str, status: str, selection: frozenset[str] | None
) -> dict[str, object]:
    """`selection` holds names of sections and of fields; None is everything."""
    profile = decode(view.document)
    return {
        "profile_id": profile.id,
        "requested_id": requested,
        "status": status,
        "identity_confidence": profile.confidence,
        "ambiguous": profile.ambiguous,
        "provisional": profile.provisional,
        "first_seen": instant(profile.first_seen),
        "last_seen": instant(profile.last_seen),
        **_sections(profile, view.stays, selection),
    }


def candidate(view: StoredView) -> dict[str, object]:
    """What may be told of a profile that is perhaps somebody else's: nothing personal."""
    profile = decode(view.document)
    return {
        "profile_id": profile.id,
        "identity_confidence": profile.confidence,
        "record_count": len(profile.records),
    }


def record(key: RecordKey) -> dict[str, object]:
    return {"source": key.source, "kind": key.kind, "key": key.key}


def _sections(
    profile: Profile, stays: Sequence[Stay], selection: frozenset[str] | None
) -> dict[str, object]:
    wanted = [each for each in _READ if selection is None or each in selection]
    answer = {section: _READ[section](profile, stays) for section in wanted}
    if selection is not None and "fields" not in selection:
        named = {name: each for name, each in profile.fields.items() if name in selection}
        answer["fields"] = _fields(named)
    return answer


def _identity(identity: Identity) -> dict[str, object]:
    return {
        "type": identity.type,
        "value": identity.value,
        "sources": identity.sources,
        "first_seen": instant(identity.first_seen),
        "last_seen": instant(identity.last_seen),
    }


def _event(count: EventCount) -> dict[str, object]:
    return {"count": count.count, "first": instant(count.first), "last": instant(count.last)}


def _fields(fields: Mapping[str, ProfileField]) -> dict[str, object]:
    return {
        name: {
            "value": each.value,
            "source": each.source,
            "at": instant(each.at),
            "rule": each.rule,
            "losing": [
                {"value": lost.value, "source": lost.source, "at": instant(lost.at)}
                for lost in each.losing
            ],
        }
        for name, each in fields.items()
    }


def holding(held: Holding) -> dict[str, object]:
    return {
        "product": held.product,
        "line_of_business": held.line_of_business,
        "price": held.price,
        "currency": held.currency,
        "held_from": held.held_from,
        "held_to": held.held_to,
        "active": held.active,
        "source": held.source,
        "at": instant(held.at),
    }


def _consent(consent: Consent) -> dict[str, object]:
    return {
        "purpose": consent.purpose,
        "channel": consent.channel,
        "granted": consent.granted,
        "basis": consent.basis,
        "proof": consent.proof,
        "source": consent.source,
        "at": instant(consent.at),
    }


_READ: Mapping[str, Callable[[Profile, Sequence[Stay]], object]] = MappingProxyType(
    {
        "fields": lambda profile, _: _fields(profile.fields),
        "identities": lambda profile, _: [_identity(each) for each in profile.identities],
        "holdings": lambda profile, _: [holding(each) for each in profile.holdings],
        "consents": lambda profile, _: [_consent(each) for each in profile.consents],
        "events": lambda profile, _: {n: _event(each) for n, each in profile.events.items()},
        "records": lambda profile, _: [record(each) for each in profile.records],
        "segments": lambda _, stays: [
            {"id": each.segment, "entered_at": instant(each.entered_at)} for each in stays
        ],
    }
)
"""The sections of an answer, in its order."""
