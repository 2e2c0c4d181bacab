"""Who is meant: a profile id, or `type:value` for an identifier such as email:ann@example.org."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.identity.domain.identifiers import (
    SCOPE_SHARED,
    IdentityRules,
    identifier_key,
    rules_for,
)
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.reading import StoredView
from services.identity.domain.ruleset import read_ruleset
from services.identity.domain.source import Source
from services.identity.domain.value_word import limits_said
from services.identity.ports import Clock
from services.profile_api.ports import ProfileReads

KEYS_MAX = 1_000  # an identifier's value is looked for in so many workspaces and regions at most
_PROFILE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_IDENTIFIER = re.compile(r"([A-Za-z0-9_.-]{1,64}):(.{1,600})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProfileRef:
    id: ProfileId


@dataclass(frozen=True, slots=True)
class IdentifierRef:
    """An identifier as the caller writes it, not yet normalised."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A record by its own key, written source/kind/key."""

    key: RecordKey


def parse_subject(text: str) -> ProfileRef | IdentifierRef | RecordRef | None:
    """None for what is none of them."""
    who = parse_who(text)
    if who is not None:
        return who
    source, _, rest = text.partition("/")
    kind, _, key = rest.partition("/")
    return RecordRef(RecordKey(source, kind, key)) if source and kind and key else None


def parse_who(text: str) -> ProfileRef | IdentifierRef | None:
    """None for what is neither."""
    if _PROFILE_ID.fullmatch(text):
        return ProfileRef(ProfileId(text.lower()))
    found = _IDENTIFIER.fullmatch(text)
    return None if found is None else IdentifierRef(found[1], found[2])


def keys_of(
    who: IdentifierRef, rules: IdentityRules, sources: Sequence[Source]
) -> frozenset[int] | None:
    """The keys that the value has in any source's workspace and region. None: unknown type."""
    found = identifiers_of(who, rules, sources)
    return None if found is None else frozenset(identifier_key(*each) for each in found)


def identifiers_of(
    who: IdentifierRef, rules: IdentityRules, sources: Sequence[Source]
) -> frozenset[tuple[str, str, str]] | None:
    """Type, scope and value as they are compared, as any source may mean it. None: unknown type."""
    declared = rules.types.get(who.type)
    if declared is None:
        return None
    result: set[tuple[str, str, str]] = set()
    for source in sources:
        found = rules.external_id(who.type, who.value, source)
        if found is not None and len(result) < KEYS_MAX:
            result.add((found.type, found.scope, found.value))
    if declared.scope == "shared":
        value = rules.normalise(who.type, who.value, None)
        if value is not None:
            result.add((who.type, SCOPE_SHARED, value))
    return frozenset(result)


class People:
    """Finds profiles by what a caller knows of a person. Sources are read again now and then."""

    def __init__(
        self, reads: ProfileReads, clock: Clock, *, cache_micros: int, candidates_max: int
    ) -> None:
        self._reads = reads
        self._clock = clock
        self._cache_micros = cache_micros
        self._candidates_max = candidates_max
        self._sources: Sequence[Source] = ()
        self._rules = IdentityRules()
        self._read_at: Micros | None = None
        self._reading = asyncio.Lock()

    async def find(self, who: ProfileRef | IdentifierRef) -> Sequence[StoredView] | None:
        """None, one or several profiles, at most one more than `candidates_max`.

        Answers None for an identifier type that nobody declared.
        """
        if isinstance(who, ProfileRef):
            view = await self._reads.profile_of(who.id)
            return [] if view is None else [view]
        keys = await self.keys_of(who)
        if not keys:
            return None if keys is None else []
        return await self._reads.profiles_by_keys(
            sorted(keys), profiles_max=self._candidates_max + 1
        )

    async def keys_of(self, who: IdentifierRef) -> frozenset[int] | None:
        """The keys under which a value is found. None for a type that nobody declared."""
        await self._refresh()
        return keys_of(who, self._rules, self._sources)

    async def identifiers_of(self, who: IdentifierRef) -> frozenset[tuple[str, str, str]] | None:
        """The identifiers that a value may be. None for a type that nobody declared."""
        await self._refresh()
        return identifiers_of(who, self._rules, self._sources)

    async def declared(self) -> tuple[IdentityRules, Sequence[Source]]:
        """The identifier types and the sources as they are declared now."""
        await self._refresh()
        return self._rules, self._sources

    @property
    def types(self) -> Sequence[str]:
        """The identifier types that can be asked for."""
        return sorted(self._rules.types)

    async def _refresh(self) -> None:
        if not self._is_stale():
            return
        async with self._reading:
            if self._is_stale():
                self._sources = await self._reads.sources()
                document = await self._reads.ruleset()
                declared = None if document is None else read_ruleset(document).identity
                rules = rules_for(self._sources, declared=declared)
                words = await self._reads.value_words()
                self._rules = replace(rules, said=limits_said(words)) if words else rules
                self._read_at = self._clock.now()

    def _is_stale(self) -> bool:
        return self._read_at is None or self._clock.now() - self._read_at >= self._cache_micros
