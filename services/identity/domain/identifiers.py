"""Identifier types: how each is normalised, where it counts, and how many one profile may hold.

Equality of a decisive identifier links two records by itself; evidence only feeds the model.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, assert_never

from services.identity.domain.contact_values import email_address, phone_number
from services.identity.domain.events import ExternalId
from services.identity.domain.merge_limit import MergeLimit
from services.identity.domain.merge_policy import MODEL_ALONE, MergePolicy
from services.identity.domain.source import Source

SCOPE_SHARED = "*"
VALUE_CHARS_MAX = 512  # longer is a broken sender, not an identifier
DECLARED_PRIORITY = 10  # identifiers that mappings declare join after the built-in ones
GENERIC_HOLDERS_MAX = 100  # an identifier held by more distinct records than this makes no edge
HOLDERS_MAX = 1_000  # more holders of one key would be compared with each other, all with all
PROFILE_RECORDS_MAX = 1_000  # a person has no more; more is a crowd in a chain of identifiers
BLOCKING_HOLDERS_MAX = 50  # the same of a blocking key; others find its pairs (accuracy.md)

Strength = Literal["decisive", "evidence"]
Scope = Literal["shared", "workspace"]
Normaliser = Literal["exact", "lower", "digits", "email", "phone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedValues:
    """Values that never tie: whole ones, and regular expressions that match a whole value.

    Neither cares for upper and lower case. `values` are case-folded.
    """

    values: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    def hold(self, value: str) -> bool:
        if value.casefold() in self.values:
            return True
        return bool(self.patterns) and _matcher(self.patterns).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE)


NOTHING_BLOCKED = BlockedValues()
ALWAYS_BLOCKED = BlockedValues(
    values=frozenset(
        {
            *("-1", "null", "none", "nil", "undefined", "nan", "anonymous", "guest", "unknown"),
            *("n/a", "na", "test", "true", "false", "[object object]", "not applicable"),
            *("not_applicable", "notapplicable", "id", "user", "email", "distinct_id"),
            *("0000000000", "1234567890"),
        }
    ),
    patterns=(r"[0\-]*", "test@.*", "noreply@.*", "no-reply@.*", "none@.*", "null@.*"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierType:
    """The rules of one type. A smaller `priority` joins first; None means no limit.

    What is shareable (an account number) never joins two records that are clearly two people.
    After a silence of `reassigned_after_days` a value may be another person's (tenure.py).
    """

    name: str
    strength: Strength
    scope: Scope
    priority: int
    limit: MergeLimit | None = None
    is_shareable: bool = False
    reassigned_after_days: int | None = None
    normaliser: Normaliser = "exact"
    blocked: BlockedValues = NOTHING_BLOCKED


DEFAULT_TYPES = (
    IdentifierType(
        name="user_id",
        strength="decisive",
        scope="workspace",
        priority=0,
        limit=MergeLimit(values_max=1),
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
    IdentifierType(
        name="email", strength="evidence", scope="shared", priority=3, normaliser="email"
    ),
    IdentifierType(
        name="phone", strength="evidence", scope="shared", priority=4, normaliser="phone"
    ),
)


BLAST_RECORDS_MAX = 50  # records that one merge may move without a person's word


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """Every declared identifier type. Part of the rules version; live data never changes it.

    A key held by more than `holders_max` records is generic: it makes no edge. `said` are limits of
    single keys that stewards spoke of, in the place of the declared ones.
    """

    types: Mapping[str, IdentifierType] = field(
        default_factory=lambda: {each.name: each for each in DEFAULT_TYPES}
    )
    blocked: BlockedValues = ALWAYS_BLOCKED
    generic_holders_max: int = GENERIC_HOLDERS_MAX
    blocking_holders_max: int = BLOCKING_HOLDERS_MAX
    profile_records_max: int = PROFILE_RECORDS_MAX
    blast_records_max: int = BLAST_RECORDS_MAX
    merge_policy: MergePolicy = MODEL_ALONE
    said: Mapping[int, int] = field(default_factory=dict)

    def holders_max(self, key: int) -> int:
        """How many records may hold a key. Those of identifiers are odd, of blocking even."""
        if self.said and key in self.said:
            return self.said[key]
        if not is_blocking_key(key):
            return self.generic_holders_max
        return min(self.blocking_holders_max, self.generic_holders_max)

    def normalise(self, type_name: str, raw: str, region: str | None = None) -> str | None:
        """The value as it is compared, or None when it can tie nothing together.

        Pure for pinned versions of phonenumberslite and email-validator. A value is blocked as it
        was written or as it is compared.
        """
        value = raw.strip()
        if not value or len(value) > VALUE_CHARS_MAX or self.is_blocked(type_name, value):
            return None
        declared = self.types.get(type_name)
        if declared is None:
            return value
        found = _normalised(declared.normaliser, value, region)
        if found is None or found == value or not declared.blocked.hold(found):
            return found
        return None

    def is_blocked(self, type_name: str, value: str) -> bool:
        """Whether a value, as it was written, is one of those that never tie."""
        declared = self.types.get(type_name)
        return self.blocked.hold(value) or (declared is not None and declared.blocked.hold(value))

    def external_id(self, type_name: str, raw: str, source: Source) -> ExternalId | None:
        """The identifier as one source means it, or None when blocked, empty or undeclared."""
        declared = self.types.get(type_name)
        if declared is None:
            return None
        value = self.normalise(type_name, raw, source.region)
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


def rules_for(sources: Iterable[Source], *, declared: IdentityRules | None = None) -> IdentityRules:
    """The declared types, by default the built-in ones, and those that the sources' mappings add.

    Where two sources differ on the strength of one type, the decisive one holds.
    """
    declared = declared or IdentityRules()
    types = dict(declared.types)
    for source in sorted(sources, key=lambda each: each.name):
        for column in source.mapping.columns.values() if source.mapping else ():
            name = column.identifier_type
            if name is None or (name in types and column.strength != "decisive"):
                continue
            known = types.get(name)
            strength: Strength = "decisive" if column.strength == "decisive" else "evidence"
            types[name] = (
                replace(known, strength=strength)
                if known
                else IdentifierType(
                    name=name, strength=strength, scope="shared", priority=DECLARED_PRIORITY
                )
            )
    return replace(declared, types=types)


_BUILT_IN = IdentityRules()


def normalise(type_name: str, raw: str, region: str | None) -> str | None:
    """By the built-in rules: what ingest goes by, which knows no home's own."""
    return _BUILT_IN.normalise(type_name, raw, region)


def _normalised(normaliser: Normaliser, value: str, region: str | None) -> str | None:
    match normaliser:
        case "exact":
            return value
        case "lower":
            return value.lower()
        case "digits":
            return _NO_DIGIT.sub("", value) or None
        case "email":
            return _email(value)
        case "phone":
            return _phone(value, region)
        case _:
            assert_never(normaliser)


_NO_DIGIT = re.compile(r"\D")
_email = lru_cache(maxsize=65_536)(email_address)
_phone = lru_cache(maxsize=65_536)(phone_number)


@lru_cache(maxsize=65_536)
def identifier_key(type_name: str, scope: str, value: str) -> int:
    """The 64-bit key under which an identifier is found; equality is checked on the value."""
    return joined_identifier_key(f"{type_name}\x1f{scope}\x1f{value}")


def is_blocking_key(key: int) -> bool:
    """Keys of identifiers are odd, keys of blocking even."""
    return key & 1 == 0


def joined_identifier_key(text: str) -> int:
    """The key of an identifier as a record's state names it: type, scope and value in one text.

    It is odd, and keys of blocking are even, so that none is ever taken for the other.
    """
    content = f"identifier\x1f{text}".encode()
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True) | 1
