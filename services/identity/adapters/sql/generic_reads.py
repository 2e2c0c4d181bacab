"""The generic keys as they were last told, each with how many records hold it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, bindparam, text

from services.identity.adapters.sql.async_pool import AsyncPool, compile_statement
from services.identity.adapters.sql.landing import decode_state
from services.identity.domain.identifiers import joined_identifier_key
from services.identity.domain.ids import Micros
from services.identity.domain.reading import GenericRow

HOLDERS_COUNTED_MAX = 10_000

# Keys of identifiers are odd, of blocking even. The smallest holder tells what an identifier is.
_GENERIC = """
SELECT g.key, g.since, h.holders, r.state
FROM (SELECT key, since FROM generic_key
      WHERE (key & 1 = 0) = :of_blocking ORDER BY since DESC, key LIMIT :keys_max) AS g
CROSS JOIN LATERAL (
  SELECT count(*) AS holders FROM (SELECT FROM key k WHERE k.key = g.key LIMIT :counted) AS held
) AS h
LEFT JOIN LATERAL (
  SELECT record.state FROM key k JOIN record ON record.id = k.record
  WHERE k.key = g.key ORDER BY k.record LIMIT 1
) AS r ON NOT :of_blocking
ORDER BY h.holders DESC, g.key
"""


class SqlGenericReads:
    """One statement, bounded by the number of keys."""

    def __init__(self, pool: AsyncPool) -> None:
        self._generic_pool = pool
        self._generic = compile_statement(
            text(_GENERIC).bindparams(
                bindparam("of_blocking", type_=Boolean()),
                bindparam("keys_max", type_=BigInteger()),
                bindparam("counted", type_=BigInteger()),
            )
        )

    async def generic_keys(self, *, of_blocking: bool, keys_max: int) -> Sequence[GenericRow]:
        """The newest ones, most holders first."""
        rows = await self._generic_pool.fetch(
            self._generic,
            of_blocking=of_blocking,
            keys_max=keys_max,
            counted=HOLDERS_COUNTED_MAX,
        )
        return [_row(row) for row in rows]


def _row(row: Any) -> GenericRow:  # noqa: ANN401  # asyncpg's records have no types
    texts = () if row["state"] is None else decode_state(row["state"]).identifiers
    named = [text for text in texts if joined_identifier_key(text) == row["key"]]
    type_name, _, value = named[0].split("\x1f", 2) if named else (None, None, None)
    return GenericRow(
        key=row["key"],
        since=Micros(row["since"]),
        holders=row["holders"],
        type=type_name,
        value=value,
    )
