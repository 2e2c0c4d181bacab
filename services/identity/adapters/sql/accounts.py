"""The index of accounts in PostgreSQL; see services/identity/store.py for what each one does."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.identity.adapters.sql.arrays import Int8s, Uuids
from services.identity.domain.accounts import AccountId, mark_of
from services.identity.domain.ids import Micros, ProfileId
from services.identity.store_accounts import AccountRow
from services.identity.store_marks import MarkKind

CROWD_LOCK_CLASS = 7_046_035  # first half of the advisory locks that guard crowded accounts
CROWD_LOCK_BUCKETS = 512


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

    def accounts_at(self, marked: Sequence[int]) -> Sequence[AccountId]:
        """By ranges of ids, which the primary key answers."""
        ends = [each.to_bytes(8, "big", signed=True) for each in sorted(set(marked))]
        self._cursor.execute(
            "SELECT DISTINCT m.account::text FROM unnest(%s::uuid[], %s::uuid[]) AS n(low, high)"
            " JOIN account_membership m ON m.account BETWEEN n.low AND n.high ORDER BY 1",
            (Uuids(end + bytes(8) for end in ends), Uuids(end + b"\xff" * 8 for end in ends)),
        )
        return [AccountId(row[0]) for row in self._cursor]

    def crowds_among(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        self._cursor.execute(
            "SELECT account::text FROM account_crowd WHERE account = ANY(%s)",
            (Uuids(map(_bytes, accounts)),),
        )
        return frozenset(AccountId(row[0]) for row in self._cursor)

    def lock_crowds(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        buckets = sorted({mark_of(each) % CROWD_LOCK_BUCKETS for each in accounts})
        self._cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, b) FROM unnest(%s::int4[]) AS b",
            (CROWD_LOCK_CLASS, buckets),
        )
        return self.crowds_among(accounts)

    def set_crowds(self, accounts: Mapping[AccountId, bool]) -> None:
        gone = [each for each, is_crowd in accounts.items() if not is_crowd]
        came = [each for each, is_crowd in accounts.items() if is_crowd]
        self._cursor.execute(
            "DELETE FROM account_crowd WHERE account = ANY(%s)", (Uuids(map(_bytes, gone)),)
        )
        self._cursor.execute(
            "INSERT INTO account_crowd SELECT * FROM unnest(%s::uuid[]) ON CONFLICT DO NOTHING",
            (Uuids(map(_bytes, came)),),
        )

    def mark_account(self, account: AccountId, since: Micros) -> None:
        self._cursor.execute(
            "INSERT INTO dirty (kind, subject, since) SELECT DISTINCT %s::int2, record, %s::int8"
            " FROM account_membership WHERE account = %s",
            (int(MarkKind.TRAITS), since, UUID(account)),
        )

    def records_in(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, Sequence[int]]:
        self._cursor.execute(
            "SELECT profile::text, record FROM membership WHERE profile = ANY(%s)"
            " ORDER BY profile, record",
            (Uuids(bytes.fromhex(each.replace("-", "")) for each in profiles),),
        )
        found: dict[ProfileId, list[int]] = {}
        for profile, record in self._cursor:
            found.setdefault(ProfileId(profile), []).append(record)
        return found


def _columns(rows: Sequence[AccountRow]) -> tuple[object, ...]:
    return (
        Uuids(_bytes(row.account) for row in rows),
        Int8s([row.record for row in rows]),
        [row.role for row in rows],
    )


def _bytes(account: AccountId) -> bytes:
    return bytes.fromhex(account.replace("-", ""))
