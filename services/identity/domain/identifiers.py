"""Identifier types: how each is normalised, where it counts, and how many one profile may hold.

Equality of a decisive identifier links two records by itself; evidence only feeds the model.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from services.identity.domain.contact_values import email_address, phone_number
from services.identity.domain.events import ExternalId
from services.identity.domain.source import Source

SCOPE_SHARED = "*"
VALUE_CHARS_MAX = 512  # longer is a broken sender, not an identifier
DECLARED_PRIORITY = 10  # identifiers that mappings declare join after the built-in ones
GENERIC_HOLDERS_MAX = 100  # an identifier held by more distinct records than this makes no edge
BLOCKING_HOLDERS_MAX = 50  # the same of a blocking key; others find its pairs (accuracy.md)

_BLOCKED = re.compile(
    r"^(?:[0\-]*|-1|null|none|nil|undefined|nan|anonymous|guest|unknown|n/?a|na|test|true|false"
    r"|\[object object\]|not[ _]?applicable|id|user|email|distinct_id|0000000000|1234567890"
    r"|test@.*|noreply@.*|no-reply@.*|none@.*|null@.*)$",
    re.IGNORECASE,
)

Strength = Literal["decisive", "evidence"]
Scope = Literal["shared", "workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierType:
    """The rules of one type. A smaller `priority` joins first; None means no limit.

    What is shareable (an account number) never joins two records that are clearly two people.
    """

    name: str
    strength: Strength
    scope: Scope
    priority: int
    max_per_profile: int | None = None
    is_shareable: bool = False


DEFAULT_TYPES = (
    IdentifierType(
        name="user_id", strength="decisive", scope="workspace", priority=0, max_per_profile=1
    ),
    IdentifierType(
        name="account_number",
        strength="decisive",
        scope="workspace",
        priority=1,
        is_shareable=True,
    ),
    IdentifierType(name="crm_id", strength="decisive", scope="workspace", priority=2),
    IdentifierType(name="anonymous_id", strength="decisive", scope="workspace", priority=5),
    IdentifierType(name="device_id", strength="evidence", scope="workspace", priority=6),
    IdentifierType(name="email", strength="evidence", scope="shared", priority=3),
    IdentifierType(name="phone", strength="evidence", scope="shared", priority=4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """Every declared identifier type. Part of the rules version; live data never changes it.

    A key held by more than `holders_max` records is generic: it makes no edge.
    """

    types: Mapping[str, IdentifierType] = field(
        default_factory=lambda: {each.name: each for each in DEFAULT_TYPES}
    )
    generic_holders_max: int = GENERIC_HOLDERS_MAX

    def holders_max(self, key: int) -> int:
        """How many records may hold a key. Those of identifiers are odd, of blocking even."""
        if key & 1:
            return self.generic_holders_max
        return min(BLOCKING_HOLDERS_MAX, self.generic_holders_max)

    def normalise(self, type_name: str, raw: str, region: str | None = None) -> str | None:
        """The value as it is compared, or None when it can tie nothing together."""
        return normalise(type_name, raw, region)

    def external_id(self, type_name: str, raw: str, source: Source) -> ExternalId | None:
        """The identifier as one source means it, or None when blocked, empty or undeclared."""
        declared = self.types.get(type_name)
        if declared is None:
            return None
        value = normalise(type_name, raw, source.region)
        if value is None:
            return None
        scope = SCOPE_SHARED if declared.scope == "shared" else source.workspace
        return ExternalId(type_name, scope, value)

    def is_decisive(self, type_name: str) -> bool:
        declared = self.types.get(type_name)
        return declared is not None and declared.strength == "decisive"

    def is_shareable(self, type_name: str) -> bool:
        declared = self.types.get(type_name)
        return declared is not None and declared.is_shareable


def rules_for(
    sources: Iterable[Source], *, generic_holders_max: int = GENERIC_HOLDERS_MAX
) -> IdentityRules:
    """The default types and those that the sources' mappings declare.

    Where two sources differ on the strength of one type, the decisive one holds.
    """
    types = {each.name: each for each in DEFAULT_TYPES}
    for source in sorted(sources, key=lambda each: each.name):
        for column in source.mapping.columns.values() if source.mapping else ():
            name = column.identifier_type
            if name is None or (name in types and column.strength != "decisive"):
                continue
            known = types.get(name)
            types[name] = IdentifierType(
                name=name,
                strength="decisive" if column.strength == "decisive" else "evidence",
                scope=known.scope if known else "shared",
                priority=known.priority if known else DECLARED_PRIORITY,
                max_per_profile=known.max_per_profile if known else None,
                is_shareable=known.is_shareable if known else False,
            )
    return IdentityRules(types=types, generic_holders_max=generic_holders_max)


def normalise(type_name: str, raw: str, region: str | None) -> str | None:
    """Pure for pinned versions of phonenumberslite and email-validator."""
    value = raw.strip()
    if not value or len(value) > VALUE_CHARS_MAX or _BLOCKED.match(value):
        return None
    if type_name == "email":
        return _email(value)
    if type_name == "phone":
        return _phone(value, region)
    return value


_email = lru_cache(maxsize=65_536)(email_address)
_phone = lru_cache(maxsize=65_536)(phone_number)


@lru_cache(maxsize=65_536)
def identifier_key(type_name: str, scope: str, value: str) -> int:
    """The 64-bit key under which an identifier is found; equality is checked on the value."""
    return joined_identifier_key(f"{type_name}\x1f{scope}\x1f{value}")


def joined_identifier_key(text: str) -> int:
    """The key of an identifier as a record's state names it: type, scope and value in one text.

    It is odd, and keys of blocking are even, so that none is ever taken for the other.
    """
    content = f"identifier\x1f{text}".encode()
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True) | 1
