"""The profile: what we tell the world about one cluster, every value with where it came from."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from services.identity.domain.events import Scalar
from services.identity.domain.ids import Micros, ProfileId, RecordKey


class Provenance(Struct, frozen=True, kw_only=True, gc=False):
    """A value, who said it, when. `at` is None for undated rows of a file."""

    value: Scalar
    source: str
    at: Micros | None


class ProfileField(Struct, frozen=True, kw_only=True):
    """The surviving value of a field, and the values that lost to it (newest first)."""

    value: Scalar
    source: str
    at: Micros | None
    rule: str
    losing: Sequence[Provenance] = ()


class Identity(Struct, frozen=True, kw_only=True):
    """One identifier the person is known by."""

    type: str
    value: str
    sources: Sequence[str]
    first_seen: Micros | None
    last_seen: Micros | None


class Holding(Struct, frozen=True, kw_only=True, gc=False):
    """A product the person holds or held. `price` is a decimal number as text, in `currency`."""

    product: str
    line_of_business: str | None
    price: str | None
    currency: str | None
    held_from: str | None
    held_to: str | None
    active: bool
    source: str
    at: Micros


class Consent(Struct, frozen=True, kw_only=True, gc=False):
    """Her latest word on one purpose and channel ('*' is any channel)."""

    purpose: str
    channel: str
    granted: bool
    basis: str | None
    proof: str | None
    source: str
    at: Micros


class EventCount(Struct, frozen=True, kw_only=True, gc=False):
    """How often an event was seen, first and last when."""

    count: int
    first: Micros
    last: Micros


class Profile(Struct, frozen=True, kw_only=True):
    """A cluster as the world sees it. Every sequence is sorted, so that equal is identical."""

    id: ProfileId
    records: Sequence[RecordKey]
    fields: Mapping[str, ProfileField] = field(default_factory=dict)
    identities: Sequence[Identity] = ()
    holdings: Sequence[Holding] = ()
    consents: Sequence[Consent] = ()
    events: Mapping[str, EventCount] = field(default_factory=dict)
    first_seen: Micros | None = None
    last_seen: Micros | None = None
    confidence: float = 1.0
    ambiguous: bool = False
    provisional: bool = False
