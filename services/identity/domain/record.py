"""A record's state: a pure function of the set of its events, folded in any order.

Per field the value with the latest (occurred_at, message id) holds; identifiers keep every distinct
value; counts, holdings and consents are kept per record, so that they move with it. Checked by
tests/unit/services/identity/domain/test_record.py.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from msgspec import Struct, field

from services.identity.domain.accounts import ACCOUNTS_MAX, AccountSaid, add_mentions
from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Canonical, Event, EventType, ExternalId, Scalar
from services.identity.domain.ids import Micros
from services.identity.domain.stamps import Seen, Stamped, seen_again

FIELDS_MAX = 1_000  # distinct fields of one record
IDENTIFIERS_MAX = 1_000  # distinct identifiers of one record
EVENT_NAMES_MAX = 1_000  # distinct event names counted for one record
PRICE_EXPONENT_MAX = 20  # 1e9999999 is no price, and would take megabytes to write out
_COUNTED = {EventType.PAGE: "page", EventType.SCREEN: "screen", EventType.GROUP: "group"}


class Counted(Struct, frozen=True, kw_only=True, gc=False):
    count: int
    first: Micros
    last: Micros


class HoldingState(Struct, frozen=True, kw_only=True, gc=False):
    product: str
    active: bool
    line_of_business: str | None
    price: str | None
    currency: str | None
    held_from: str | None
    held_to: str | None
    at: Micros
    by: str


class ConsentState(Struct, frozen=True, kw_only=True, gc=False):
    purpose: str
    channel: str
    granted: bool
    basis: str | None
    proof: str | None
    at: Micros
    by: str

    def order(self) -> tuple[int, bool, str]:
        """At equal time the restrictive word holds."""
        return (self.at, not self.granted, self.by)


class RecordState(Struct, frozen=True, kw_only=True):
    """`identifiers` maps (type, scope, value) as joined text to when it was seen."""

    events: int = 0
    dated_from: Micros | None = None
    dated_to: Micros | None = None
    fields: Mapping[str, Stamped] = field(default_factory=dict)
    identifiers: Mapping[str, Seen] = field(default_factory=dict)
    counts: Mapping[str, Counted] = field(default_factory=dict)
    holdings: Mapping[str, HoldingState] = field(default_factory=dict)
    consents: Mapping[str, ConsentState] = field(default_factory=dict)
    accounts: Mapping[str, AccountSaid] = field(default_factory=dict)
    account_columns: Mapping[str, Stamped] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """No event counts for this record today: it is no one's, and in no profile."""
        return self.events == 0

    def external_ids(self) -> list[ExternalId]:
        return [ExternalId(*text.split("\x1f", 2)) for text in self.identifiers]

    def matching_values(self) -> dict[str, str]:
        """Field -> text, without what is null: what features are derived from."""
        return {
            name: str(stamped.value)
            for name, stamped in self.fields.items()
            if stamped.value is not None
        }


EMPTY = RecordState()


def fold(state: RecordState, events: Iterable[Event]) -> RecordState:
    """The state with these events added. Each event must be added once.

    Raises RejectedError (RECORD_FULL) when an event would exceed the storage of one record.
    """
    fields = dict(state.fields)
    identifiers = dict(state.identifiers)
    counts = dict(state.counts)
    holdings = dict(state.holdings)
    consents = dict(state.consents)
    accounts = dict(state.accounts)
    account_columns = dict(state.account_columns)
    number, low, high = state.events, state.dated_from, state.dated_to
    for event in events:
        number += 1
        if event.dated:
            low = event.occurred_at if low is None else min(low, event.occurred_at)
            high = event.occurred_at if high is None else max(high, event.occurred_at)
        _add_fields(fields, event.fields, event)
        _add_identifiers(identifiers, event)
        _add_count(counts, event)
        if event.name in _HOLDING:
            _add_holding(holdings, event)
        elif event.name == Canonical.CONSENT_CHANGED:
            _add_consent(consents, event)
        if event.mentions:
            add_mentions(accounts, event)
        if event.account_columns:
            _add_fields(account_columns, event.account_columns, event)
    return RecordState(
        events=number,
        dated_from=low,
        dated_to=high,
        fields=fields,
        identifiers=identifiers,
        counts=counts,
        holdings=holdings,
        consents=consents,
        accounts=accounts,
        account_columns=account_columns,
    )


def check_room(state: RecordState, event: Event) -> None:
    """Refuse an event that one record cannot hold, before anything of it is folded."""
    new_fields = sum(name not in state.fields for name in event.fields)
    new_identifiers = sum(_joined(each) not in state.identifiers for each in event.identifiers)
    new_accounts = sum(each.account not in state.accounts for each in event.mentions)
    name = _counted_name(event)
    if (
        len(state.fields) + new_fields > FIELDS_MAX
        or len(state.identifiers) + new_identifiers > IDENTIFIERS_MAX
        or (new_accounts and len(state.accounts) + new_accounts > ACCOUNTS_MAX)
        or (name is not None and name not in state.counts and len(state.counts) >= EVENT_NAMES_MAX)
    ):
        raise RejectedError(
            RejectReason.RECORD_FULL,
            f"the record already holds {FIELDS_MAX} fields, {IDENTIFIERS_MAX} identifiers,"
            f" {EVENT_NAMES_MAX} event names or {ACCOUNTS_MAX} accounts; a key shared by many"
            " senders is the usual cause",
        )


def _add_fields(fields: dict[str, Stamped], said: Mapping[str, Scalar], event: Event) -> None:
    order = (event.occurred_at, event.message_id)
    for name, value in said.items():
        known = fields.get(name)
        if known is None or known.order() < order:
            fields[name] = Stamped(value=value, at=order[0], by=order[1], dated=event.dated)


def _joined(identifier: ExternalId) -> str:
    return f"{identifier.type}\x1f{identifier.scope}\x1f{identifier.value}"


def _add_identifiers(identifiers: dict[str, Seen], event: Event) -> None:
    at = event.occurred_at if event.dated else None
    for identifier in event.identifiers:
        text = _joined(identifier)
        identifiers[text] = seen_again(identifiers.get(text), at)


def _counted_name(event: Event) -> str | None:
    if event.type is EventType.TRACK:
        return event.name
    return _COUNTED.get(event.type)


def _add_count(counts: dict[str, Counted], event: Event) -> None:
    name = _counted_name(event)
    if name is None:
        return
    known = counts.get(name)
    at = event.occurred_at
    if known is None:
        counts[name] = Counted(count=1, first=at, last=at)
    else:
        counts[name] = Counted(
            count=known.count + 1, first=min(known.first, at), last=max(known.last, at)
        )


_HOLDING = (Canonical.PRODUCT_HELD, Canonical.PRODUCT_ENDED)


def _add_holding(holdings: dict[str, HoldingState], event: Event) -> None:
    product = _text(event, "product")
    if product is None:
        return
    held = HoldingState(
        product=product,
        active=event.name == Canonical.PRODUCT_HELD,
        line_of_business=_text(event, "lineOfBusiness", "line_of_business"),
        price=_money(event.properties.get("price")),
        currency=_text(event, "currency"),
        held_from=_text(event, "from"),
        held_to=_text(event, "to"),
        at=event.occurred_at,
        by=event.message_id,
    )
    known = holdings.get(product)
    if known is None or (known.at, known.by) < (held.at, held.by):
        holdings[product] = held


def _add_consent(consents: dict[str, ConsentState], event: Event) -> None:
    purpose = _text(event, "purpose")
    if purpose is None:
        return
    said = ConsentState(
        purpose=purpose,
        channel=_text(event, "channel") or "*",
        granted=event.properties.get("granted") is True,
        basis=_text(event, "basis", "legalBasis"),
        proof=_text(event, "proof"),
        at=event.occurred_at,
        by=event.message_id,
    )
    name = f"{said.purpose}\x1f{said.channel}"
    known = consents.get(name)
    if known is None or known.order() < said.order():
        consents[name] = said


def _text(event: Event, *names: str) -> str | None:
    """The first of these properties that has a value. A nested one is none: dicts have no order."""
    for name in names:
        value = event.properties.get(name)
        if isinstance(value, str | int | float | bool):
            return str(value)
    return None


def _money(value: object) -> str | None:
    """A decimal number as text, without an exponent and trailing zeros; None if it is none."""
    if not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or abs(number.adjusted()) > PRICE_EXPONENT_MAX:
        return None
    return f"{number.normalize():f}"
