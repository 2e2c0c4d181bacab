"""An account as the world sees it: its members, what it holds and what it is worth. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.identity.domain.accounts import (
    AccountId,
    AccountType,
    Role,
    account_id_of,
    add_up,
    memberships,
    named,
)
from services.identity.domain.events import Scalar
from services.identity.domain.holdings import holdings_of
from services.identity.domain.household import PersonRecord, household, people_of
from services.identity.domain.ids import ProfileId
from services.identity.domain.profile import Holding
from services.identity.domain.stamps import Seen, Stamped


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHeld:
    """Since when somebody has a role, until when it was last said, and by which sources."""

    first: int | None
    last: int | None
    sources: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMember:
    profile: ProfileId
    roles: Mapping[str, RoleHeld]
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Sums by currency ("" where none was told), decimal numbers as text."""

    invoiced: Mapping[str, str] = field(default_factory=dict)
    paid: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Of a household holdings and value are those of its people, of others their own."""

    id: AccountId
    type: AccountType
    workspace: str
    name: str
    traits: Mapping[str, Scalar] = field(default_factory=dict)
    members: Sequence[AccountMember] = ()
    holdings: Sequence[Holding] = ()
    value: Value = field(default_factory=Value)


def names_in(record: PersonRecord) -> dict[str, dict[str, Seen]]:
    """Every account that the record is in today, with its roles."""
    state = record.state
    found = memberships(state.accounts, state.account_columns)
    if record.dwelling is not None:
        stamped = state.fields.get("address_line")
        at = stamped.at if stamped is not None and stamped.dated else None
        found[record.dwelling] = {Role.RESIDENT.value: Seen(first=at, last=at)}
    return found


def name_of(account: AccountId, records: Iterable[PersonRecord]) -> str | None:
    """The name behind an id: a record that is in the account knows it."""
    names = (name for record in records for name in names_in(record))
    return next((name for name in names if account_id_of(name) == account), None)


def shown_name(name: str) -> str:
    return named(name)[2].replace("\x1f", ", ")


def account_view(name: str, records: Sequence[PersonRecord]) -> Account:
    """`records` are those in the account; for a household or an organisation all of its people's.

    The order of `records` does not matter.
    """
    kind, workspace, _ = named(name)
    people = people_of(records)
    inside = {p for p, own in people.items() if any(name in names_in(each) for each in own)}
    if kind is AccountType.HOUSEHOLD:
        inside = set(household(name, people))
    own = [record for profile in sorted(inside) for record in people[profile]]
    return Account(
        id=account_id_of(name),
        type=kind,
        workspace=workspace,
        name=shown_name(name),
        traits=_traits(name, own),
        members=[_member(name, profile, people[profile]) for profile in sorted(inside)],
        holdings=_holdings(name, kind, own),
        value=value_of(own, only=name if kind is AccountType.BILLING else None),
    )


def person_view(profile: ProfileId, records: Sequence[PersonRecord]) -> Account:
    """A person alone, as a household of one."""
    return Account(
        id=AccountId(""),
        type=AccountType.HOUSEHOLD,
        workspace="",
        name="",
        members=[AccountMember(profile=profile, roles={}, records=len(records))],
        holdings=[each for record in records for each in holdings_of(record.key, record.state)],
        value=value_of(records),
    )


def _member(name: str, profile: ProfileId, records: Sequence[PersonRecord]) -> AccountMember:
    held: dict[str, list[tuple[str, Seen]]] = {}
    count = 0
    for record in records:
        roles = names_in(record).get(name, {})
        count += bool(roles)
        for role, seen in roles.items():
            held.setdefault(role, []).append((record.key.source, seen))
    roles_held = {
        role: RoleHeld(
            first=min((s.first for _, s in said if s.first is not None), default=None),
            last=max((s.last for _, s in said if s.last is not None), default=None),
            sources=sorted({source for source, _ in said}),
        )
        for role, said in sorted(held.items())
    }
    return AccountMember(profile=profile, roles=roles_held, records=count)


def _traits(name: str, records: Iterable[PersonRecord]) -> dict[str, Scalar]:
    """Of each trait of the account the latest word of all its records."""
    latest: dict[str, tuple[tuple[bool, int, str], Stamped]] = {}
    for record in records:
        said = record.state.accounts.get(name)
        for trait, stamped in said.traits.items() if said else ():
            order = (stamped.dated, stamped.at if stamped.dated else 0, record.key.text())
            if trait not in latest or latest[trait][0] < order:
                latest[trait] = (order, stamped)
    return {trait: stamped.value for trait, (_, stamped) in sorted(latest.items())}


def _holdings(name: str, kind: AccountType, records: Sequence[PersonRecord]) -> list[Holding]:
    """Of a billing account what its holder's records hold; of others what their people hold."""
    return [
        each
        for record in records
        if kind is not AccountType.BILLING or Role.HOLDER in names_in(record).get(name, {})
        for each in holdings_of(record.key, record.state)
    ]


def value_of(records: Iterable[PersonRecord], *, only: str | None = None) -> Value:
    """What was invoiced and paid on billing accounts, as these records say; or on one of them."""
    invoiced: dict[str, list[str]] = {}
    paid: dict[str, list[str]] = {}
    for record in records:
        for name, said in record.state.accounts.items():
            if only is None or name == only:
                for currency, amount in said.invoiced.items():
                    invoiced.setdefault(currency, []).append(amount)
                for currency, amount in said.paid.items():
                    paid.setdefault(currency, []).append(amount)
    return Value(invoiced=_sums(invoiced), paid=_sums(paid))


def _sums(amounts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {currency: add_up(each) for currency, each in sorted(amounts.items())}
