"""Write keys: how they are kept, where a request carries one, and whose it is."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b

from starlette.requests import Request

from services.identity.domain.errors import RejectedError, RejectReason, RetryableError
from services.identity.domain.ids import Micros
from services.identity.domain.source import Source
from services.identity.ports import Clock
from services.ingest.ports import Sources

_PERSON = b"plait-write-key"
MISS_REFRESH_MICROS = 1_000_000  # an unknown key reads the sources again at most once a second


def hash_write_key(write_key: str) -> bytes:
    """What is stored instead of a write key."""
    return blake2b(write_key.encode(), digest_size=32, person=_PERSON).digest()


def write_key_of(request: Request) -> str | None:
    """The key of Basic auth (the user name) or of `?writeKey=`; None when it is in the body."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _unknown() from None
        return pair.partition(":")[0] or None
    return request.query_params.get("writeKey")


class SourceDirectory:
    """Sources by write key, kept in memory and read again every `refresh_micros`.

    When the store cannot be read, the last answer stands: known senders are served on.
    """

    def __init__(self, sources: Sources, clock: Clock, *, refresh_micros: int) -> None:
        self._sources = sources
        self._clock = clock
        self._refresh_micros = refresh_micros
        self._known: Mapping[bytes, Source] | None = None
        self._read_at = Micros(0)
        self._reading = asyncio.Lock()

    async def find(self, write_key: str | None) -> Source:
        """Raises RejectedError(UNKNOWN_WRITE_KEY), or RetryableError before the first read."""
        if not write_key:
            raise _unknown()
        digest = hash_write_key(write_key)
        known = await self._fresh(self._refresh_micros)
        if digest not in known:
            known = await self._fresh(MISS_REFRESH_MICROS)
        source = known.get(digest)
        if source is None:
            raise _unknown()
        return source

    async def refresh(self) -> None:
        """Raises RetryableError while the sources were never read."""
        await self._fresh(self._refresh_micros)

    async def _fresh(self, age_max: int) -> Mapping[bytes, Source]:
        if self._known is not None and self._clock.now() - self._read_at < age_max:
            return self._known
        async with self._reading:
            if self._known is None or self._clock.now() - self._read_at >= age_max:
                await self._read()
        if self._known is None:
            raise RetryableError("the sources cannot be read")
        return self._known

    async def _read(self) -> None:
        try:
            self._known = await asyncio.to_thread(self._sources.by_write_key_hash)
        except RetryableError:
            if self._known is None:
                raise
        self._read_at = self._clock.now()


def _unknown() -> RejectedError:
    return RejectedError(
        RejectReason.UNKNOWN_WRITE_KEY,
        "no source has this write key; send it as the user name of Basic auth or as writeKey",
    )
