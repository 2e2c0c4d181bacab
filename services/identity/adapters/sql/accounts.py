"""The index of accounts in PostgreSQL; see services/identity/store.py for what each one does."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from services.identity.adapters.sql.arrays import Int8s, Uuids
from services.identity.domain.accounts import AccountId
from services.identity.store import AccountRow


class AccountWrites:
    """The accounts' part of a transaction."""

    _cursor: psycopg.Cursor[Any]

    def add_account_rows(self, rows: Sequence[AccountRow]) -> None:
        self._cursor.execute(
            "INSERT INTO account_membership (account, record, role)"
            " SELECT * FROM unnest(%s::uuid[], %s::int8[], %s::text[]) ON CONFLICT DO NOTHING",
            _columns(rows),
        )

    def remove_account_rows(self, rows: Sequence[AccountRow]) -> None:
        self._cursor.execute(
            "DELETE FROM account_membership m"
            " USING unnest(%s::uuid[], %s::int8[], %s::text[]) AS n(a, r, o)"
            " WHERE m.account = n.a AND m.record = n.r AND m.role = n.o",
            _columns(rows),
        )

    def account_rows(
        self, accounts: Sequence[AccountId], *, rows_max: int
    ) -> Mapping[AccountId, Sequence[AccountRow]]:
        self._cursor.execute(
            "SELECT a.id::text, m.record, m.role FROM unnest(%s::uuid[]) AS a(id)"
            " CROSS JOIN LATERAL (SELECT record, role FROM account_membership"
            " WHERE account = a.id ORDER BY record, role LIMIT %s) AS m",
            (Uuids(map(_bytes, accounts)), rows_max + 1),
            binary=True,
        )
        found: dict[AccountId, list[AccountRow]] = {}
        for account, record, role in self._cursor:
            found.setdefault(account, []).append(AccountRow(account, record, role))
        return found


def _columns(rows: Sequence[AccountRow]) -> tuple[object, ...]:
    return (
        Uuids(_bytes(row.account) for row in rows),
        Int8s([row.record for row in rows]),
        [row.role for row in rows],
    )


def _bytes(account: AccountId) -> bytes:
    return bytes.fromhex(account.replace("-", ""))
