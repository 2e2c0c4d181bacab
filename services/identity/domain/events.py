"""Events in the domain's words: what one source said, at one instant, about one record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct, field

from services.identity.domain.ids import MessageId, Micros, RecordKey, SourceName


class EventType(StrEnum):
    """The six tracking calls. Billing and call-centre events are `track` with a canonical name."""

    IDENTIFY = "identify"
    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


class Canonical(StrEnum):
    """Names of the canonical `track` events that mean something to plait itself."""

    PRODUCT_HELD = "Product Held"
    PRODUCT_ENDED = "Product Ended"
    ORDER_COMPLETED = "Order Completed"
    INVOICE_ISSUED = "Invoice Issued"
    PAYMENT_RECEIVED = "Payment Received"
    CALL_STARTED = "Call Started"
    CALL_IDENTIFIED = "Call Identified"
    CALL_ENDED = "Call Ended"
    CASE_OPENED = "Case Opened"
    CASE_UPDATED = "Case Updated"
    CASE_RESOLVED = "Case Resolved"
    CONSENT_CHANGED = "Consent Changed"
    MESSAGE_SENT = "Message Sent"
    SURVEY_ANSWERED = "Survey Answered"


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, order=True)
class ExternalId:
    """A normalised identifier: its declared type, the scope in which it counts, its value."""

    type: str
    scope: str
    value: str


class Mention(Struct, frozen=True, kw_only=True):
    """An account that an event names (its type, scope and value as text), and as whose.

    A role of "none" ends what was said before; None says nothing about it.
    """

    account: str
    role: str | None
    traits: Mapping[str, Scalar] = field(default_factory=dict)


class Event(Struct, frozen=True, kw_only=True):
    """One accepted event, after its source's mapping has named its fields.

    `fields` holds field name -> value; None clears the field as of `occurred_at`. `content_hash`
    is over what the sender said (not when we heard it): of two copies with one message id the one
    with the smaller (occurred_at, content_hash) counts. `account_columns`: what mapped columns say
    of accounts (`accounts.column_word`), None where one is cleared.
    """

    source: SourceName
    message_id: MessageId
    type: EventType
    record: RecordKey
    occurred_at: Micros
    dated: bool
    content_hash: bytes
    name: str | None = None
    identifiers: tuple[ExternalId, ...] = ()
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)
    mentions: tuple[Mention, ...] = ()
    account_columns: Mapping[str, str | None] = field(default_factory=dict)
