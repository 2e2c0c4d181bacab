"""A segment as a file says it: plain values in, a SegmentDefinition out, or what is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import SegmentId

ID_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?", re.ASCII)
NAME_CHARACTERS_MAX = 200
DESCRIPTION_CHARACTERS_MAX = 2_000
PURPOSES_MAX = 20
SEGMENTS_IN_FILE_MAX = 1_000

_KNOWN = ("id", "name", "description", "predicate", "purposes", "scheme")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDefinition:
    """A named predicate. `purposes` bounds its use; `scheme` groups exclusive segments."""

    id: SegmentId
    name: str
    predicate: str
    description: str = ""
    purposes: tuple[str, ...] = ()
    scheme: str | None = None


def parse_segment(raw: object) -> SegmentDefinition:
    """Read a segment from the plain values of its YAML or JSON.

    The predicate is not read here: `parse_predicate` does that. Raises UsageError that names the
    offending entry and says what may stand there.
    """
    if not isinstance(raw, dict):
        raise UsageError(
            "a segment must hold `id:`, `name:` and `predicate:`; see docs/segments.md"
        )
    unknown = sorted(str(name) for name in raw if name not in _KNOWN)
    if unknown:
        raise UsageError(f"unknown segment entry {unknown[0]!r}; known are {', '.join(_KNOWN)}")
    identifier = _text(raw, "id", 64)
    if ID_PATTERN.fullmatch(identifier) is None:
        raise UsageError(
            "`id:` must be lower-case letters, digits, '-' and '_', at most 64 of them"
        )
    scheme = raw.get("scheme")
    if scheme is not None and (not isinstance(scheme, str) or not ID_PATTERN.fullmatch(scheme)):
        raise UsageError("`scheme:` must be an id like that of a segment")
    return SegmentDefinition(
        id=SegmentId(identifier),
        name=_text(raw, "name", NAME_CHARACTERS_MAX),
        predicate=_text(raw, "predicate", None),
        description=_description(raw),
        purposes=_purposes(raw),
        scheme=scheme,
    )


def parse_segments(raw: object) -> tuple[SegmentDefinition, ...]:
    """Read a file of one segment, or of several below `segments:`. Ids are unique in a file."""
    if not (isinstance(raw, dict) and "segments" in raw):
        return (parse_segment(raw),)
    several = raw["segments"]
    if set(raw) != {"segments"} or not isinstance(several, list) or not several:
        raise UsageError("a file of several segments holds `segments:` and a list, nothing else")
    if len(several) > SEGMENTS_IN_FILE_MAX:
        raise UsageError(f"a file holds at most {SEGMENTS_IN_FILE_MAX} segments")
    definitions = tuple(parse_segment(item) for item in several)
    seen: set[str] = set()
    for definition in definitions:
        if definition.id in seen:
            raise UsageError(f"segment id {definition.id!r} stands twice in the file")
        seen.add(definition.id)
    return definitions


def to_document(definition: SegmentDefinition) -> dict[str, object]:
    """The plain values that are stored and answered; `parse_segment` reads them back."""
    return {
        "id": definition.id,
        "name": definition.name,
        "description": definition.description,
        "predicate": definition.predicate,
        "purposes": list(definition.purposes),
        "scheme": definition.scheme,
    }


def _text(raw: Mapping[str, object], name: str, characters_max: int | None) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"`{name}:` must be a text that is not empty")
    if characters_max is not None and len(value) > characters_max:
        raise UsageError(f"`{name}:` has {len(value)} characters; at most {characters_max} may be")
    return value.strip()


def _description(raw: Mapping[str, object]) -> str:
    value = raw.get("description") or ""
    if not isinstance(value, str) or len(value) > DESCRIPTION_CHARACTERS_MAX:
        raise UsageError(
            f"`description:` must be a text of at most {DESCRIPTION_CHARACTERS_MAX} characters"
        )
    return value.strip()


def _purposes(raw: Mapping[str, object]) -> tuple[str, ...]:
    value = raw.get("purposes") or []
    if not isinstance(value, list) or len(value) > PURPOSES_MAX:
        raise UsageError(f"`purposes:` must be a list of at most {PURPOSES_MAX} names")
    if not all(isinstance(item, str) and item for item in value):
        raise UsageError("`purposes:` must be a list of names, like [marketing, service]")
    return tuple(sorted(set(value)))
