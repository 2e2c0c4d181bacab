"""The rules of identity as one declared whole: identifier types, blocked values, limits, survivors.

Parsed from the plain values of `identity.yaml`. Its version is a hash of what it says, whatever the
file looks like; records derived under one version must be derived again under another.
"""

import json
import re
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any, get_args

from services.identity.domain.declared import number, one_of, section, texts
from services.identity.domain.errors import UsageError
from services.identity.domain.identifiers import (
    BLAST_RECORDS_MAX,
    BLOCKING_HOLDERS_MAX,
    GENERIC_HOLDERS_MAX,
    HOLDERS_MAX,
    NOTHING_BLOCKED,
    PROFILE_RECORDS_MAX,
    BlockedValues,
    IdentifierType,
    IdentityRules,
    Normaliser,
    Scope,
    Strength,
)
from services.identity.domain.merge_limit import MergeLimit
from services.identity.domain.merge_policy import parse_policy, policy_document
from services.identity.domain.survivorship import Rule, Survivorship

TYPES_MAX = 200
BLOCKED_MAX = 10_000  # values, of one list
PATTERNS_MAX = 100
PATTERN_CHARS_MAX = 200
NUMBER_MAX = 1_000_000
DAYS_MAX = 36_500
PROFILE_MAX = 100_000

_TYPE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_TYPE_KEYS = (
    "normalise",
    "strength",
    "scope",
    "priority",
    "max_per_profile",
    "reassigned_after_days",
    "shareable",
    "blocked",
)
_KEYS = (
    "identifiers",
    "blocked",
    "generic",
    "records_per_profile",
    "blast_radius",
    "merge_policy",
    "survivorship",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """What decides who ties with whom, and which value a profile keeps."""

    identity: IdentityRules = field(default_factory=IdentityRules)
    survivorship: Survivorship = field(default_factory=Survivorship)

    @property
    def version(self) -> str:
        """A hash of what the rules say."""
        return blake2b(encode_ruleset(self), digest_size=8).hexdigest()

    def decides_as(self, other: "Ruleset") -> bool:
        """Whether records derived by the one are as the other would have them."""
        return _without_uses(self) == _without_uses(other)


def parse_ruleset(raw: object) -> Ruleset:
    """Rules from the plain values of their file; what the file leaves out stays as built in.

    Raises UsageError that names the place and says what may stand there.
    """
    said = section(raw, "the rules file", _KEYS)
    built_in = IdentityRules()
    types = built_in.types
    if "identifiers" in said:
        types = _types(said["identifiers"])
    generic = section(said.get("generic", {}), "generic", ("identifiers", "blocking"))
    return Ruleset(
        identity=IdentityRules(
            types=types,
            blocked=_blocked(said["blocked"], "blocked") if "blocked" in said else built_in.blocked,
            generic_holders_max=number(
                generic.get("identifiers", GENERIC_HOLDERS_MAX), "generic: identifiers", HOLDERS_MAX
            ),
            blocking_holders_max=number(
                generic.get("blocking", BLOCKING_HOLDERS_MAX), "generic: blocking", HOLDERS_MAX
            ),
            profile_records_max=number(
                said.get("records_per_profile", PROFILE_RECORDS_MAX),
                "records_per_profile",
                PROFILE_MAX,
                least=2,
            ),
            blast_records_max=number(
                said.get("blast_radius", BLAST_RECORDS_MAX), "blast_radius", PROFILE_MAX
            ),
            merge_policy=parse_policy(said.get("merge_policy", {})),
        ),
        survivorship=_survivorship(said.get("survivorship", {})),
    )


def to_document(rules: Ruleset) -> dict[str, Any]:
    """As the file would say it, whole; `parse_ruleset` gives the same rules back."""
    identity = rules.identity
    return {
        "identifiers": {
            name: _type_document(each) for name, each in sorted(identity.types.items())
        },
        "blocked": _blocked_document(identity.blocked),
        "generic": {
            "identifiers": identity.generic_holders_max,
            "blocking": identity.blocking_holders_max,
        },
        "records_per_profile": identity.profile_records_max,
        **_caution_document(identity),
        "survivorship": {
            "default": rules.survivorship.default.value,
            "fields": {
                name: rule.value for name, rule in sorted(rules.survivorship.fields.items())
            },
        },
    }


def _without_uses(rules: Ruleset) -> Ruleset:
    policy = replace(rules.identity.merge_policy, uses={})
    return replace(rules, identity=replace(rules.identity, merge_policy=policy))


def _caution_document(identity: IdentityRules) -> dict[str, Any]:
    """What is as built in is left out, so that rules of before keep their version."""
    radius, policy = identity.blast_records_max, policy_document(identity.merge_policy)
    document: dict[str, Any] = {} if radius == BLAST_RECORDS_MAX else {"blast_radius": radius}
    return document | {"merge_policy": policy} if policy else document


def encode_ruleset(rules: Ruleset) -> bytes:
    """The document as it is kept: what the version is a hash of."""
    return json.dumps(to_document(rules), sort_keys=True, separators=(",", ":")).encode()


def read_ruleset(document: bytes) -> Ruleset:
    """Rules as they were kept."""
    return parse_ruleset(json.loads(document))


def _type_document(each: IdentifierType) -> dict[str, Any]:
    document: dict[str, Any] = {
        "normalise": each.normaliser,
        "strength": each.strength,
        "scope": each.scope,
        "priority": each.priority,
    }
    if each.limit is not None:
        most, days = each.limit.values_max, each.limit.within_days
        document["max_per_profile"] = (
            most if days is None else {"values": most, "within_days": days}
        )
    if each.reassigned_after_days is not None:
        document["reassigned_after_days"] = each.reassigned_after_days
    if each.is_shareable:
        document["shareable"] = True
    if each.blocked != NOTHING_BLOCKED:
        document["blocked"] = _blocked_document(each.blocked)
    return document


def _blocked_document(blocked: BlockedValues) -> dict[str, Any]:
    return {"values": sorted(blocked.values), "patterns": list(blocked.patterns)}


def _types(raw: object) -> dict[str, IdentifierType]:
    said = section(raw, "identifiers", None)
    if len(said) > TYPES_MAX:
        raise UsageError(f"identifiers: at most {TYPES_MAX} types")
    return {name: _type(name, each) for name, each in said.items()}


def _type(name: str, raw: object) -> IdentifierType:
    if not _TYPE_NAME.fullmatch(name):
        raise UsageError("identifiers: a type's name is 1 to 64 letters, digits, `_`, `.` or `-`")
    place = f"identifiers: {name}"
    said = section(raw, place, _TYPE_KEYS)
    for needed in ("strength", "scope", "priority"):
        if needed not in said:
            raise UsageError(f"{place}: {needed} is needed")
    silence = said.get("reassigned_after_days")
    return IdentifierType(
        name=name,
        normaliser=one_of(said.get("normalise", "exact"), f"{place}: normalise", NORMALISERS),
        strength=one_of(said["strength"], f"{place}: strength", STRENGTHS),
        scope=one_of(said["scope"], f"{place}: scope", SCOPES),
        priority=number(said["priority"], f"{place}: priority", NUMBER_MAX, least=0),
        limit=_limit(said.get("max_per_profile"), f"{place}: max_per_profile"),
        reassigned_after_days=None
        if silence is None
        else number(silence, f"{place}: reassigned_after_days", DAYS_MAX),
        is_shareable=one_of(said.get("shareable", False), f"{place}: shareable", (True, False)),
        blocked=_blocked(said["blocked"], f"{place}: blocked")
        if "blocked" in said
        else NOTHING_BLOCKED,
    )


NORMALISERS: tuple[Normaliser, ...] = get_args(Normaliser)
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
SCOPES: tuple[Scope, ...] = get_args(Scope)


def _limit(raw: object, place: str) -> MergeLimit | None:
    """A number, or {values, within_days}."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        return MergeLimit(values_max=number(raw, place, NUMBER_MAX))
    said = section(raw, place, ("values", "within_days"))
    return MergeLimit(
        values_max=number(said.get("values"), f"{place}: values", NUMBER_MAX),
        within_days=number(said.get("within_days"), f"{place}: within_days", DAYS_MAX),
    )


def _blocked(raw: object, place: str) -> BlockedValues:
    said = section(raw, place, ("values", "patterns"))
    values = texts(said.get("values", []), f"{place}: values", BLOCKED_MAX)
    patterns = texts(said.get("patterns", []), f"{place}: patterns", PATTERNS_MAX)
    for nth, pattern in enumerate(patterns, start=1):
        if len(pattern) > PATTERN_CHARS_MAX:
            raise UsageError(f"{place}: pattern {nth} is over {PATTERN_CHARS_MAX} characters")
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(
                f"{place}: pattern {nth} is no regular expression: {error.msg}"
            ) from None
    found = BlockedValues(
        values=frozenset(each.strip().casefold() for each in values), patterns=tuple(patterns)
    )
    return NOTHING_BLOCKED if found == NOTHING_BLOCKED else found


def _survivorship(raw: object) -> Survivorship:
    said = section(raw, "survivorship", tuple(each.name for each in fields(Survivorship)))
    named = section(said.get("fields", {}), "survivorship: fields", None)
    rules = tuple(rule.value for rule in Rule)
    return Survivorship(
        default=Rule(
            one_of(said.get("default", Rule.LATEST.value), "survivorship: default", rules)
        ),
        fields={
            name: Rule(one_of(rule, f"survivorship: fields: {name}", rules))
            for name, rule in named.items()
        },
    )
