"""API keys and what each may do. A key is shown once; only its keyed hash is kept.

A key reads `plait_<prefix>_<secret>`: the prefix finds it, the secret proves it.
"""

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from starlette.requests import Request

from services.identity.domain.ids import Micros
from services.identity.domain.reading import ApiKey
from services.identity.ports import Clock
from services.profile_api.ports import ProfileReads
from services.profile_api.problems import Code, ProblemError

PREFIX_BYTES = 6
SECRET_BYTES = 32
KEYS_CACHED_MAX = 1_024  # unknown prefixes are kept too, so that guessing does not reach the store
PEPPER_BYTES_MAX = 64  # of a blake2b key
_PERSON = b"plait-api-key"
_KEY = re.compile(r"plait_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="plait"'}


class Scope(StrEnum):
    """A right that a key can carry, as `resource:action`."""

    PROFILES_READ = "profiles:read"
    SEGMENTS_READ = "segments:read"
    DECISIONS_WRITE = "decisions:write"
    TRACE_READ = "trace:read"
    STEWARD_READ = "steward:read"
    STEWARD_WRITE = "steward:write"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """`text` goes to the caller and nowhere else; `stored` goes to the table api_key."""

    text: str
    stored: ApiKey


def new_key(
    *,
    random: Callable[[int], bytes],
    pepper: bytes,
    scopes: Iterable[Scope],
    label: str,
    at: Micros,
) -> NewKey:
    """`random` gives that many unguessable bytes, as os.urandom does."""
    prefix, secret = random(PREFIX_BYTES).hex(), random(SECRET_BYTES).hex()
    stored = ApiKey(
        prefix=prefix,
        key_hash=hash_secret(secret, pepper=pepper),
        scopes=frozenset(scope.value for scope in scopes),
        label=label,
        created_at=at,
    )
    return NewKey(text=f"plait_{prefix}_{secret}", stored=stored)


def hash_secret(secret: str, *, pepper: bytes) -> bytes:
    """Keyed, so that the table alone does not help to guess; fast, for secrets are random."""
    return blake2b(
        secret.encode(), key=pepper[:PEPPER_BYTES_MAX], digest_size=32, person=_PERSON
    ).digest()


class KeyRing:
    """Checks keys. What the store says of a prefix is kept for `cache_micros`."""

    def __init__(
        self, reads: ProfileReads, clock: Clock, *, pepper: bytes, cache_micros: int
    ) -> None:
        self._reads = reads
        self._clock = clock
        self._pepper = pepper
        self._cache_micros = cache_micros
        self._known: OrderedDict[str, tuple[Micros, ApiKey | None]] = OrderedDict()

    async def check(self, authorization: str | None, scope: Scope) -> ApiKey:
        """Raises ProblemError 401 or 403. The header is `Bearer plait_...`."""
        if not authorization:
            raise ProblemError(
                Code.NO_KEY, "send Authorization: Bearer plait_...", headers=_CHALLENGE
            )
        kind, _, token = authorization.partition(" ")
        found = _KEY.fullmatch(token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise ProblemError(
                Code.UNKNOWN_KEY, "the header must be Bearer and one key", headers=_CHALLENGE
            )
        key = await self._find(found[1])
        given = hash_secret(found[2], pepper=self._pepper)
        # A prefix that nobody has is compared too, so that the time taken tells nothing.
        if not hmac.compare_digest(given, key.key_hash if key else bytes(len(given))) or not key:
            raise ProblemError(Code.UNKNOWN_KEY, "no key is like this one", headers=_CHALLENGE)
        if scope not in key.scopes:
            raise ProblemError(Code.MISSING_SCOPE, f"this needs a key with the scope {scope}")
        return key

    async def _find(self, prefix: str) -> ApiKey | None:
        now = self._clock.now()
        cached = self._known.get(prefix)
        if cached is not None and now - cached[0] < self._cache_micros:
            return cached[1]
        key = await self._reads.api_key(prefix)
        self._known[prefix] = (now, key)
        self._known.move_to_end(prefix)
        while len(self._known) > KEYS_CACHED_MAX:
            self._known.popitem(last=False)
        return key


@dataclass(frozen=True, slots=True)
class RequiresScope:
    """The dependency of a route: without a key that carries the scope, nothing is answered."""

    keys: KeyRing
    scope: Scope

    async def __call__(self, request: Request) -> None:
        await self.keys.check(request.headers.get("authorization"), self.scope)
