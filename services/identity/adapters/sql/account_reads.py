"""Point reads of accounts: the records in one, and all records of some people."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, BigInteger, Select, Uuid, any_, bindparam, select

from services.identity.adapters.sql.async_pool import AsyncPool, compile_statement
from services.identity.adapters.sql.landing import decode_state
from services.identity.adapters.sql.tables import account_membership, membership, profile, record
from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.reading import RecordRow

_COLUMNS = (
    membership.c.profile,
    record.c.source,
    record.c.key_kind,
    record.c.key,
    record.c.state,
    record.c.features,
)


class _Confidence(msgspec.Struct):
    confidence: float = 1.0


_decoder = msgspec.json.Decoder(_Confidence)


def _records() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .select_from(record.join(membership, membership.c.record == record.c.id))
        .where(membership.c.profile.is_not(None))
        .order_by(record.c.uid)
        .limit(bindparam("records_max", type_=BigInteger()))
    )


def _of_account() -> Select[Any]:
    account = bindparam("account", type_=Uuid())
    inside = select(account_membership.c.record).where(account_membership.c.account == account)
    return _records().where(record.c.id.in_(inside))


def _profiles() -> Any:  # noqa: ANN401  # SQLAlchemy's own type says no more
    return any_(bindparam("profiles", type_=ARRAY(Uuid())))


class SqlAccountReads:
    """The accounts' part of services/profile_api/ports.py."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._of_account = compile_statement(_of_account())
        self._of_profiles = compile_statement(_records().where(membership.c.profile == _profiles()))
        self._documents = compile_statement(
            select(profile.c.id, profile.c.document).where(
                profile.c.id == _profiles(), profile.c.document.is_not(None)
            )
        )

    async def records_of_account(
        self, account: AccountId, *, records_max: int
    ) -> Sequence[RecordRow]:
        rows = await self._pool.fetch(
            self._of_account, account=UUID(account), records_max=records_max
        )
        return [_row(row) for row in rows]

    async def records_of_profiles(
        self, profiles: Sequence[ProfileId], *, records_max: int
    ) -> Sequence[RecordRow]:
        rows = await self._pool.fetch(
            self._of_profiles, profiles=list(map(UUID, profiles)), records_max=records_max
        )
        return [_row(row) for row in rows]

    async def confidences(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, float]:
        rows = await self._pool.fetch(self._documents, profiles=list(map(UUID, profiles)))
        return {
            ProfileId(str(row["id"])): _decoder.decode(row["document"]).confidence for row in rows
        }


def _row(row: Any) -> RecordRow:  # noqa: ANN401  # asyncpg's records have no types
    return RecordRow(
        profile=ProfileId(str(row["profile"])),
        key=RecordKey(row["source"], row["key_kind"], row["key"]),
        state=decode_state(row["state"]),
        features=row["features"],
    )
