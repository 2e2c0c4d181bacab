"""The few inserts that the profile API may make: decisions, today."""

import msgspec
from sqlalchemy import insert

from services.identity.adapters.sql.async_pool import AsyncPool, compile_statement
from services.identity.adapters.sql.tables import decision
from services.identity.domain.reading import DecisionEntry

_encoder = msgspec.json.Encoder(order="deterministic")


class SqlDecisionLog:
    """services/profile_api/ports.py's DecisionLog, on the pool of the reads."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._insert = compile_statement(insert(decision))

    async def append(self, entry: DecisionEntry) -> None:
        await self._pool.fetch(
            self._insert,
            id=entry.id,
            decided_at=entry.decided_at,
            profile=entry.profile,
            request=_encoder.encode(entry.request).decode(),
            answer=_encoder.encode(entry.answer).decode(),
        )
