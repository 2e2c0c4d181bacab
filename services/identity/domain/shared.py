"""What a person shares with others, in numbers that segments ask for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.account_view import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """None is unknown: an account or a dwelling of too many records, or several currencies.

    Alone is a household of one. Of accounts: her billing accounts. Values are what was invoiced.
    """

    household_size: float | None = 1.0
    household_holdings: float | None = 0.0
    household_value: float | None = 0.0
    account_count: float | None = 0.0
    account_people: float | None = 0.0
    account_holdings: float | None = 0.0
    account_value: float | None = 0.0


NOTHING_SHARED = Shared()


def shared_with(home: Account, accounts: Sequence[Account | None]) -> Shared:
    """`home` holds her alone where she has no household. An account of None is too large."""
    known = [each for each in accounts if each is not None]
    everything = len(known) == len(accounts)
    people = {member.profile for each in known for member in each.members}
    return Shared(
        household_size=float(len(home.members)),
        household_holdings=float(sum(holding.active for holding in home.holdings)),
        household_value=_one([home.value.invoiced]),
        account_count=float(len(accounts)),
        account_people=float(len(people)) if everything else None,
        account_holdings=float(sum(h.active for each in known for h in each.holdings))
        if everything
        else None,
        account_value=_one([each.value.invoiced for each in known]) if everything else None,
    )


def _one(sums: Sequence[Mapping[str, str]]) -> float | None:
    """The sum where all is in one currency."""
    currencies = {currency for each in sums for currency in each}
    if len(currencies) > 1:
        return None
    return sum((float(amount) for each in sums for amount in each.values()), 0.0)
