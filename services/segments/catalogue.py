"""What a predicate may name: functions, built-ins, and the fields of a home where it knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType

from services.identity.domain.kinds import Kind
from services.identity.domain.shared import Shared
from services.segments.tree import LeafKind, ValueType

NAMES_SHOWN_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the profile. Its arguments are always quoted names."""

    kind: LeafKind
    arguments: tuple[str, ...]
    result: ValueType
    says: str

    def usage(self, name: str) -> str:
        return f"{name}({', '.join(repr(argument) for argument in self.arguments)})"


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "count": Function(
            kind=LeafKind.COUNT,
            arguments=("event",),
            result=ValueType.NUMBER,
            says="how often the event was seen; 0 when never",
        ),
        "has": Function(
            kind=LeafKind.HAS,
            arguments=("event",),
            result=ValueType.BOOLEAN,
            says="whether the event was ever seen; never unknown",
        ),
        "first": Function(
            kind=LeafKind.FIRST,
            arguments=("event",),
            result=ValueType.TIME,
            says="when the event was first seen; unknown when never",
        ),
        "last": Function(
            kind=LeafKind.LAST,
            arguments=("event",),
            result=ValueType.TIME,
            says="when the event was last seen; unknown when never",
        ),
        "holds": Function(
            kind=LeafKind.HOLDS,
            arguments=("product or line of business",),
            result=ValueType.BOOLEAN,
            says="whether she holds it now, without regard to case; never unknown",
        ),
        "held": Function(
            kind=LeafKind.HELD,
            arguments=("product or line of business",),
            result=ValueType.BOOLEAN,
            says="whether she holds it or ever held it, without regard to case; never unknown",
        ),
        "consents": Function(
            kind=LeafKind.CONSENTS,
            arguments=("purpose", "channel"),
            result=ValueType.BOOLEAN,
            says="whether her standing answer is yes; no statement means no; never unknown",
        ),
    }
)

TEXT_FUNCTIONS = ("lower", "upper")
COALESCE = "coalesce"

BUILT_INS: Mapping[str, ValueType] = MappingProxyType(
    {
        "record_count": ValueType.NUMBER,
        "source_count": ValueType.NUMBER,
        "channel_count": ValueType.NUMBER,
        "confidence": ValueType.NUMBER,
        "ambiguous": ValueType.BOOLEAN,
        "provisional": ValueType.BOOLEAN,
        "first_seen": ValueType.TIME,
        "last_seen": ValueType.TIME,
        **{each.name: ValueType.NUMBER for each in fields(Shared)},
    }
)
"""Names with a meaning of their own. A field of such a name is reached by quoting it."""

SHARED = frozenset(each.name for each in fields(Shared))
"""Built-ins that depend on other people: those of her household and of her accounts."""

LISTS = ("channels", "sources")
"""Lists that a quoted name may be looked for in: `'web' IN channels`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The fields that a home knows. A type of None takes the type its use in a predicate gives."""

    fields: Mapping[str, ValueType | None]

    @classmethod
    def of_kinds(cls, kinds: Mapping[str, Kind]) -> "Catalogue":
        """Numbers and times have their type; any other field is text."""
        types = {Kind.NUMBER: ValueType.NUMBER, Kind.TIME: ValueType.TIME}
        return cls(fields={name: types.get(k, ValueType.TEXT) for name, k in kinds.items()})


def function_names() -> tuple[str, ...]:
    return tuple(sorted((*FUNCTIONS, *TEXT_FUNCTIONS, COALESCE)))


def known_names(catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(sorted((*catalogue.fields, *BUILT_INS)))


def listed(name: str, known: tuple[str, ...]) -> str:
    """The known names for an error message: the nearest first, and never too many."""
    near = get_close_matches(name, known, n=3)
    rest = [other for other in known if other not in near]
    shown = (near + rest)[:NAMES_SHOWN_MAX]
    hidden = len(known) - len(shown)
    return ", ".join(shown) + (f" and {hidden} more" if hidden > 0 else "")
