"""Profiles for tests: every part has a quiet default, so that a test names what it is about."""

from collections.abc import Mapping, Sequence

from services.identity.domain.events import Scalar
from services.identity.domain.ids import Micros, RecordKey, profile_id_of
from services.identity.domain.profile import (
    Consent,
    EventCount,
    Holding,
    Identity,
    Profile,
    ProfileField,
)

T0 = Micros(1_700_000_000_000_000)  # 2023-11-14T22:13:20Z
SECOND = 1_000_000


def a_profile(
    *,
    fields: Mapping[str, Scalar] | None = None,
    events: Mapping[str, tuple[int, int, int]] | None = None,
    holdings: Sequence[Holding] = (),
    consents: Sequence[Consent] = (),
    identities: Sequence[Identity] = (),
    records: Sequence[RecordKey] = (RecordKey("web", "user_id", "u-1"),),
    confidence: float = 1.0,
    ambiguous: bool = False,
) -> Profile:
    """`events` is name -> (count, first, last)."""
    return Profile(
        id=profile_id_of(records[0]),
        records=tuple(records),
        fields={
            name: ProfileField(value=value, source="web", at=T0, rule="latest")
            for name, value in (fields or {}).items()
        },
        events={
            name: EventCount(count=count, first=Micros(first), last=Micros(last))
            for name, (count, first, last) in (events or {}).items()
        },
        holdings=tuple(holdings),
        consents=tuple(consents),
        identities=tuple(identities),
        first_seen=T0,
        last_seen=T0,
        confidence=confidence,
        ambiguous=ambiguous,
    )


def a_holding(
    product: str,
    *,
    line_of_business: str | None = None,
    price: str | None = None,
    currency: str | None = "GBP",
    active: bool = True,
    held_to: str | None = None,
    at: int = T0,
) -> Holding:
    return Holding(
        product=product,
        line_of_business=line_of_business,
        price=price,
        currency=currency,
        held_from=None,
        held_to=held_to,
        active=active,
        source="billing",
        at=Micros(at),
    )


def a_consent(
    purpose: str, channel: str, *, granted: bool, at: int = T0, basis: str | None = "consent"
) -> Consent:
    return Consent(
        purpose=purpose,
        channel=channel,
        granted=granted,
        basis=basis,
        proof=None,
        source="web",
        at=Micros(at),
    )
