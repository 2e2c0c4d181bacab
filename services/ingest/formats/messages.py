"""What senders may post: the six tracking calls and the canonical channel events.

These structs are the contract: `schemas/events` is generated from them, decoding is done by them.
Fields that are not named here may be sent by newer senders; at the top level they are left out,
in `properties`, `traits` and `context` they are kept.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct, field

from services.identity.domain.events import Canonical, EventType

Id = str | int
Amount = int | float | Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", description="ISO 4217")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}", description="ISO 8601")]
Time = Annotated[str, Meta(description="ISO 8601; without a zone it is UTC")]
Fields = dict[str, Any]


class ExternalIdBody(Struct, frozen=True, rename="camel"):
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    id: Id


class Body(Struct, frozen=True, rename="camel", kw_only=True):
    """What every event may carry."""

    message_id: Id | None = None
    timestamp: Time | None = None
    original_timestamp: Time | None = None
    sent_at: Time | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None
    external_ids: list[ExternalIdBody] | None = None
    traits: Fields | None = None
    context: Fields | None = None


class Identify(Body, frozen=True, rename="camel", kw_only=True):
    pass


class Track(Body, frozen=True, rename="camel", kw_only=True):
    event: Annotated[str, Meta(min_length=1, max_length=255)]
    properties: Fields | None = None


class Page(Body, frozen=True, rename="camel", kw_only=True):
    name: str | None = None
    category: str | None = None
    properties: Fields | None = None


class Screen(Page, frozen=True, rename="camel", kw_only=True):
    pass


class Group(Body, frozen=True, rename="camel", kw_only=True):
    group_id: Id


class Alias(Body, frozen=True, rename="camel", kw_only=True):
    previous_id: Id


TRACKING: dict[EventType, type[Body]] = {
    EventType.IDENTIFY: Identify,
    EventType.TRACK: Track,
    EventType.PAGE: Page,
    EventType.SCREEN: Screen,
    EventType.GROUP: Group,
    EventType.ALIAS: Alias,
}


class Several(Struct, frozen=True, rename="camel", kw_only=True):
    """What a request says once for all of its events."""

    write_key: str | None = None
    sent_at: Time | None = None
    context: Fields | None = None


class Batch(Several, frozen=True, rename="camel", kw_only=True):
    """Tracking calls of any type. Each keeps its bytes, so that a refused one can be kept."""

    batch: list[Raw]


class Events(Several, frozen=True, rename="camel", kw_only=True):
    """Canonical channel events."""

    events: list[Raw]


class ChannelBody(Body, frozen=True, rename="camel", kw_only=True):
    """What call centre and billing post. Without `event` it says who somebody is: `traits`."""

    type: Literal["identify", "track"] | None = None
    event: str | None = None
    account_number: Id | None = None
    contact_id: Id | None = None
    properties: Fields | None = None


class Product(Struct, frozen=True, rename="camel", kw_only=True):
    product: Annotated[str, Meta(min_length=1)]
    line_of_business: str | None = None
    price: Amount | None = None
    currency: Currency | None = None
    from_: Day | None = field(default=None, name="from")
    to: Day | None = None


class Order(Struct, frozen=True, rename="camel", kw_only=True):
    order_id: Id | None = None
    total: Amount | None = None
    currency: Currency | None = None
    products: list[Fields] | None = None


class Invoice(Struct, frozen=True, rename="camel", kw_only=True):
    invoice_id: Id | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    due: Day | None = None


class Payment(Struct, frozen=True, rename="camel", kw_only=True):
    payment_id: Id | None = None
    invoice_id: Id | None = None
    amount: Amount | None = None
    currency: Currency | None = None


class Call(Struct, frozen=True, rename="camel", kw_only=True):
    call_id: Id | None = None
    direction: Literal["inbound", "outbound"] | None = None
    queue: str | None = None
    method: str | None = None
    outcome: str | None = None
    duration_seconds: int | float | None = None


class Case(Struct, frozen=True, rename="camel", kw_only=True):
    case_id: Id | None = None
    topic: str | None = None
    urgency: str | int | None = None
    due: Day | None = None


class CaseOpened(Case, frozen=True, rename="camel", kw_only=True):
    topic: Annotated[str, Meta(min_length=1)]


class ConsentChange(Struct, frozen=True, rename="camel", kw_only=True):
    purpose: Annotated[str, Meta(min_length=1)]
    channel: Annotated[str, Meta(min_length=1)]
    granted: bool
    basis: str | None = None
    proof: str | None = None


class MessageSent(Struct, frozen=True, rename="camel", kw_only=True):
    channel: Annotated[str, Meta(min_length=1)]
    campaign: str | None = None
    purpose: str | None = None
    template: str | None = None


class Survey(Struct, frozen=True, rename="camel", kw_only=True):
    survey: str | None = None
    question: str | None = None
    score: int | float | None = None
    answer: str | None = None


PROPERTIES: dict[Canonical, type[Struct]] = {
    Canonical.PRODUCT_HELD: Product,
    Canonical.PRODUCT_ENDED: Product,
    Canonical.ORDER_COMPLETED: Order,
    Canonical.INVOICE_ISSUED: Invoice,
    Canonical.PAYMENT_RECEIVED: Payment,
    Canonical.CALL_STARTED: Call,
    Canonical.CALL_IDENTIFIED: Call,
    Canonical.CALL_ENDED: Call,
    Canonical.CASE_OPENED: CaseOpened,
    Canonical.CASE_UPDATED: Case,
    Canonical.CASE_RESOLVED: Case,
    Canonical.CONSENT_CHANGED: ConsentChange,
    Canonical.MESSAGE_SENT: MessageSent,
    Canonical.SURVEY_ANSWERED: Survey,
}
