"""What the resolver asks of its store about accounts; `store.Transaction` has all of it.

Implemented and held to one behaviour with the rest of a transaction, see store.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import Micros, ProfileId


class AccountRow(NamedTuple):
    """A record is in an account, in a role."""

    account: AccountId
    record: int
    role: str


class AccountTransaction(Protocol):
    """The accounts' part of one batch."""

    def add_account_rows(self, rows: Sequence[AccountRow]) -> None:
        """Rows that are there already stay as they are."""
        ...

    def remove_account_rows(self, rows: Sequence[AccountRow]) -> None: ...
    def account_rows(
        self, accounts: Sequence[AccountId], *, rows_max: int
    ) -> Mapping[AccountId, Sequence[AccountRow]]:
        """Of each account its rows, by record and role; at most one more than `rows_max`."""
        ...

    def accounts_at(self, marked: Sequence[int]) -> Sequence[AccountId]:
        """The accounts whose ids begin with these 64 bits and that a record is in, by id."""
        ...

    def crowds_among(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        """Those last told to have more records than their members' segments look at."""
        ...

    def lock_crowds(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        """The same, and nobody else tells anything about these accounts until the end."""
        ...

    def set_crowds(self, accounts: Mapping[AccountId, bool]) -> None: ...
    def mark_account(self, account: AccountId, since: Micros) -> None:
        """A TRAITS mark for every record in the account."""
        ...

    def records_in(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, Sequence[int]]:
        """The records that stand in each profile today."""
        ...
