"""The index of accounts: which records are in which account, in which role; written by landing.

A record's rows follow from its state and its features alone, so that landing compares them before
and after as it does with keys. A dwelling (one address line and postcode) is the account of those
who live there. A record that names neither costs a look at two empty dicts.
"""

from collections.abc import Collection, Mapping

from services.identity.domain.accounts import Role, account_id_of, mark_of, memberships
from services.identity.domain.record import RecordState
from services.identity.store import StoredRecord, Transaction
from services.identity.store_accounts import AccountRow
from services.linkage.residence import dwelling_of
from services.resolver.derive import Derived, decode_features


class AccountIndex:
    """Collects what changes. `anew` writes every row again, whatever should be there already."""

    def __init__(self, tx: Transaction, *, anew: bool = False) -> None:
        self._tx = tx
        self._anew = anew
        self._added: list[AccountRow] = []
        self._removed: list[AccountRow] = []

    def put(
        self, number: int, stored: StoredRecord | None, state: RecordState, derived: Derived
    ) -> Collection[int]:
        """Marks of the accounts that the record leaves: who comes is dirty himself."""
        was = stored.state if stored else None
        dwelling, lived = None, None
        if derived.changes_matching:
            dwelling = derived.dwelling
            lived = dwelling_of(decode_features(stored.features)) if stored else None
        if dwelling is lived is None and not (
            _names_any(state) or (was is not None and _names_any(was))
        ):
            return ()
        after = _rows(number, state, dwelling)
        before = set() if was is None else _rows(number, was, lived)
        self._added.extend(after if self._anew else after - before)
        removed = before - after
        self._removed.extend(removed)
        return {mark_of(row.account) for row in removed}

    def write(self) -> None:
        if self._removed:
            self._tx.remove_account_rows(sorted(self._removed))
        if self._added:
            self._tx.add_account_rows(sorted(self._added))


def _names_any(state: RecordState) -> bool:
    return bool(state.accounts or state.account_columns)


def _rows(number: int, state: RecordState, dwelling: str | None) -> set[AccountRow]:
    found: Mapping[str, Mapping[str, object]] = {}
    if _names_any(state):
        found = memberships(state.accounts, state.account_columns)
    rows = {
        AccountRow(account_id_of(name), number, role) for name, own in found.items() for role in own
    }
    if dwelling is not None:
        rows.add(AccountRow(account_id_of(dwelling), number, Role.RESIDENT.value))
    return rows
