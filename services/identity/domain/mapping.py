"""A mapping says what a source's columns or traits are; new data needs a mapping, never code.

Fields are named so that sources meet: a column of kind `email` becomes field `email` whatever the
source calls it, a second one `email_2`; categories, places and organisations keep their column's
name; an identifier is called like its type.
"""

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from types import MappingProxyType

from services.identity.domain.accounts import ACCOUNT_NUMBER, SAID_ROLES
from services.identity.domain.errors import UsageError
from services.identity.domain.kinds import NAMED_BY_COLUMN, Kind

_NAMING_ACCOUNTS = (Kind.IDENTIFIER, Kind.ORGANISATION)
STRENGTHS = ("decisive", "evidence")
IDENTIFYING = MappingProxyType({Kind.EMAIL: "email", Kind.PHONE: "phone"})
"""Kinds whose values are identifiers, with the identifier's type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its kind, the field it feeds, and for identifiers the type and strength.

    `role` is how a record that has a value here stands to the account it names (accounts.py).
    """

    name: str
    kind: Kind
    field: str
    identifier_type: str | None = None
    strength: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """How a text file is written. CSV only; `encoding` is a Python codec name."""

    delimiter: str = ","
    encoding: str = "utf-8"
    quote: str = '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A source's columns by name. `key` is None for channels whose events carry their own key.

    `fields` is (column, field) of every column that is kept, `identifying` (identifier type, field)
    of every one that may tie records together, `accounts` every column that names an account:
    worked out once, not for every event.
    """

    key: str | None
    unique: bool = False
    time: str | None = None
    columns: Map[str, Column] = field(default_factory=dict)
    format: FileFormat = field(default_factory=FileFormat)
    fields: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    identifying: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    accounts: tuple[Column, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kept = tuple(
            (name, column.field)
            for name, column in self.columns.items()
            if column.kind is not Kind.IGNORE
        )
        named = (
            (column.identifier_type or IDENTIFYING.get(column.kind), column.field)
            for column in self.columns.values()
        )
        identifying = tuple((name, field_name) for name, field_name in named if name is not None)
        object.__setattr__(self, "fields", kept)
        object.__setattr__(self, "identifying", identifying)
        object.__setattr__(self, "accounts", tuple(filter(_names_account, self.columns.values())))


_KNOWN = {"key", "unique", "time", "columns", "format"}


def parse_mapping(raw: object) -> Mapping:
    """Read a mapping from the plain values of its YAML file.

    Raises UsageError that names the offending entry and says what may stand there.
    """
    if not isinstance(raw, dict):
        raise UsageError("a mapping file must hold `key:` and `columns:`; see docs/mapping.md")
    unknown = sorted(str(name) for name in raw if name not in _KNOWN)
    if unknown:
        raise UsageError(f"unknown mapping entry {unknown[0]!r}; known are {sorted(_KNOWN)}")
    key = raw.get("key")
    if not isinstance(key, str) or not key:
        raise UsageError("`key:` must name the column that identifies a record within its source")
    columns = raw.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise UsageError("`columns:` must say the kind of at least one column")
    time = raw.get("time")
    if time is not None and not isinstance(time, str):
        raise UsageError("`time:` must name a column")
    unique = raw.get("unique", False)
    if not isinstance(unique, bool):
        raise UsageError("`unique:` must be true or false")
    return Mapping(
        key=key, unique=unique, time=time, columns=name_fields(columns), format=_format(raw)
    )


def name_fields(columns: Map[object, object]) -> dict[str, Column]:
    """Give every column its field, in the order of the columns.

    The first column of a kind takes the kind's name, the second `<kind>_2`, and so on.
    """
    result: dict[str, Column] = {}
    taken: dict[str, int] = {}
    for name, value in columns.items():
        column = _column(str(name), value)
        count = taken.get(column.field, 0) + 1
        taken[column.field] = count
        if count > 1 and column.kind is not Kind.IGNORE:
            column = Column(
                name=column.name,
                kind=column.kind,
                field=f"{column.field}_{count}",
                identifier_type=column.identifier_type,
                strength=column.strength,
                role=column.role,
            )
        result[column.name] = column
    return result


def _column(name: str, value: object) -> Column:
    options: Map[str, object] = value if isinstance(value, dict) else {"kind": value}
    text = options.get("kind")
    try:
        kind = Kind(str(text))
    except ValueError:
        known = ", ".join(k.value for k in Kind)
        raise UsageError(f"column {name!r}: unknown kind {text!r}; known are {known}") from None
    strength = options.get("strength")
    if strength is not None and strength not in STRENGTHS:
        raise UsageError(f"column {name!r}: strength must be one of {STRENGTHS}")
    role = options.get("role")
    if role is not None and (role not in SAID_ROLES or kind not in _NAMING_ACCOUNTS):
        raise UsageError(
            f"column {name!r}: role must be one of {[each.value for each in SAID_ROLES]}, of a"
            " column of account numbers or organisations"
        )
    if kind is Kind.IDENTIFIER:
        identifier_type = options.get("type", name)
        return Column(
            name=name,
            kind=kind,
            field=str(identifier_type),
            identifier_type=str(identifier_type),
            strength=str(strength or "evidence"),
            role=None if role is None else str(role),
        )
    return Column(
        name=name,
        kind=kind,
        field=name if kind in NAMED_BY_COLUMN else kind.value,
        role=None if role is None else str(role),
    )


def _names_account(column: Column) -> bool:
    """Account numbers always do, an organisation where the mapping says in which role."""
    return column.identifier_type == ACCOUNT_NUMBER or (
        column.kind is Kind.ORGANISATION and column.role is not None
    )


def _format(raw: Map[str, object]) -> FileFormat:
    value = raw.get("format", {})
    if not isinstance(value, dict):
        raise UsageError("`format:` must be like {delimiter: ',', encoding: utf-8}")
    unknown = sorted(set(value) - {"delimiter", "encoding", "quote"})
    if unknown:
        raise UsageError(f"unknown format entry {unknown[0]!r}")
    delimiter = str(value.get("delimiter", ","))
    if len(delimiter) != 1:
        raise UsageError("`format: delimiter` must be one character")
    return FileFormat(
        delimiter=delimiter,
        encoding=str(value.get("encoding", "utf-8")),
        quote=str(value.get("quote", '"')),
    )
