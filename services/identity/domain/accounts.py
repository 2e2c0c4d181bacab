"""Accounts: what people share. Which accounts a record is in, and as what; a pure function of it.

An account is named by a text: type, scope and value. Its id follows from the name alone, so it
never changes and never dies. Memberships are of records; who they are is for the profiles to say,
so that nothing here merges anybody. ADR 20.
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NewType
from uuid import UUID, uuid5

from msgspec import Struct, field
from msgspec.structs import replace

from services.identity.domain.events import Canonical, Event, Mention
from services.identity.domain.ids import Micros
from services.identity.domain.stamps import Seen, Stamped, seen_again

AccountId = NewType("AccountId", str)

ACCOUNTS_MAX = 200  # accounts that one record may name; more is a broken sender
TRAITS_MAX = 50  # traits of one account that one record may tell
AMOUNT_EXPONENT_MAX = 15  # an invoice of a thousand million millions is a broken sender
ACCOUNT_NUMBER = "account_number"  # the identifier type that names an account

_NAMESPACE = UUID("0d3c5a86-7d53-5a0a-9f0e-51a1c55e2d17")
_SEPARATOR = "\x1f"
_MILLIONTHS = Decimal("0.000001")
_EXACT = Context(prec=60)  # sums stay exact whatever their order: 10**15 of 10**15 in millionths


class AccountType(StrEnum):
    """`billing`: an account number. `organisation`: a group. `household`: one dwelling's people."""

    BILLING = "billing"
    ORGANISATION = "organisation"
    HOUSEHOLD = "household"


class Role(StrEnum):
    HOLDER = "holder"
    USER = "user"
    PAYER = "payer"
    RESIDENT = "resident"


SAID_ROLES = (Role.HOLDER, Role.USER, Role.PAYER)
"""Roles that a sender may name."""
NO_ROLE = "none"
"""Said instead of a role: the record is not in the account any more."""


class AccountSaid(Struct, frozen=True, kw_only=True):
    """What one record's events said of one account. `left_at`: out of it, unless said later."""

    roles: Mapping[str, Seen] = field(default_factory=dict)
    left_at: Micros | None = None
    traits: Mapping[str, Stamped] = field(default_factory=dict)
    invoiced: Mapping[str, str] = field(default_factory=dict)
    """Currency ("" where none was told) -> sum, a decimal number as text."""
    paid: Mapping[str, str] = field(default_factory=dict)


Accounts = Mapping[str, AccountSaid]
"""By the account's name."""


def account_name(kind: AccountType, scope: str, value: str) -> str:
    return _SEPARATOR.join((kind.value, scope, value))


def named(name: str) -> tuple[AccountType, str, str]:
    """Type, scope and value of an account's name."""
    kind, scope, value = name.split(_SEPARATOR, 2)
    return AccountType(kind), scope, value


@lru_cache(maxsize=65_536)
def account_id_of(name: str) -> AccountId:
    return AccountId(str(uuid5(_NAMESPACE, name)))


def mark_of(account: AccountId) -> int:
    """The first 64 bits of an id, as marks carry them."""
    return int.from_bytes(UUID(account).bytes[:8], "big", signed=True)


def add_mentions(accounts: dict[str, AccountSaid], event: Event) -> None:
    """Fold what one event says of accounts. Each event must be added once."""
    at = event.occurred_at if event.dated else None
    for mention in event.mentions:
        known = accounts.get(mention.account, _NOTHING)
        roles = dict(known.roles)
        left_at = known.left_at
        if mention.role == NO_ROLE:
            left_at = Micros(max(left_at or 0, at or 0))
        elif mention.role is not None:
            roles[mention.role] = seen_again(roles.get(mention.role), at)
        accounts[mention.account] = replace(
            known,
            roles=roles,
            left_at=left_at,
            traits=_with_traits(known.traits, mention, event),
            invoiced=_with_amount(known.invoiced, event, Canonical.INVOICE_ISSUED),
            paid=_with_amount(known.paid, event, Canonical.PAYMENT_RECEIVED),
        )


_NOTHING = AccountSaid()


def _with_traits(
    known: Mapping[str, Stamped], mention: Mention, event: Event
) -> Mapping[str, Stamped]:
    """Of each trait the latest word; of too many the first by name, whatever came first."""
    if not mention.traits:
        return known
    traits = dict(known)
    for name, value in mention.traits.items():
        said = Stamped(value=value, at=event.occurred_at, by=event.message_id, dated=event.dated)
        before = traits.get(name)
        if before is None or before.order() < said.order():
            traits[name] = said
    return dict(sorted(traits.items())[:TRAITS_MAX]) if len(traits) > TRAITS_MAX else traits


def _with_amount(known: Mapping[str, str], event: Event, counted: Canonical) -> Mapping[str, str]:
    if event.name != counted:
        return known
    amount = amount_of(event.properties.get("amount"))
    if amount is None:
        return known
    told = event.properties.get("currency")
    currency = told.strip().upper() if isinstance(told, str) else ""
    return {**known, currency: add_up((known.get(currency, "0"), amount))}


def amount_of(value: object) -> str | None:
    """A decimal number as text in millionths at most; None for what is no amount of money."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    if not number.is_finite() or abs(number.adjusted()) > AMOUNT_EXPONENT_MAX:
        return None
    return _text(number.quantize(_MILLIONTHS, context=_EXACT))


def add_up(amounts: Iterable[str]) -> str:
    """The exact sum, whatever the order."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, Decimal(amount))
    return _text(total)


def _text(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def roles_now(said: AccountSaid) -> dict[str, Seen]:
    """The roles that hold: those not said to be over since they were last said."""
    if said.left_at is None:
        return dict(said.roles)
    left = said.left_at
    return {
        role: seen
        for role, seen in said.roles.items()
        if seen.last is not None and seen.last > left
    }


def memberships(accounts: Accounts, columns: Mapping[str, Stamped]) -> dict[str, dict[str, Seen]]:
    """Account name -> role -> since when, of one record today.

    `columns` are mapped columns that name an account, each with its latest word: a role and an
    account's name, or nothing.
    """
    result = {name: roles for name, said in accounts.items() if (roles := roles_now(said))}
    for stamped in columns.values():
        if stamped.value is not None:
            role, name = str(stamped.value).split(_SEPARATOR, 1)
            at = stamped.at if stamped.dated else None
            own = result.setdefault(name, {})
            own[role] = seen_again(own.get(role), at)
    return result


def column_word(role: Role, name: str) -> str:
    """What a mapped column says, as one text."""
    return f"{role.value}{_SEPARATOR}{name}"


def said_role(value: object) -> str | None:
    """A role that a sender named, or None."""
    text = value.strip().lower() if isinstance(value, str) else None
    return text if text == NO_ROLE or text in SAID_ROLES else None
