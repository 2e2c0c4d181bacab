"""A predicate once read: a small typed tree that compiling, explaining and documenting share."""

from dataclasses import dataclass
from enum import StrEnum


class ValueType(StrEnum):
    """What a value is. A time is an instant in microseconds since 1970, UTC."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


class LeafKind(StrEnum):
    """What a leaf reads from a profile; each becomes one column of the batch."""

    FIELD = "field"
    BUILT_IN = "built_in"
    COUNT = "count"
    HAS = "has"
    FIRST = "first"
    LAST = "last"
    HOLDS = "holds"
    HELD = "held"
    CONSENTS = "consents"
    IN_LIST = "in_list"


class Comparator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    DISTINCT = "is distinct from"
    NOT_DISTINCT = "is not distinct from"


class Operator(StrEnum):
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Something read from the profile. `arguments` are the field's, event's or list's names."""

    kind: LeafKind
    type: ValueType
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | float | bool | int


@dataclass(frozen=True, slots=True)
class Comparison:
    comparator: Comparator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class OneOf:
    """`left IN (...)`; the list never holds NULL."""

    left: "Node"
    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """`left LIKE pattern`: `%` is any text, `_` one character; nothing escapes them."""

    left: "Node"
    pattern: str
    ignores_case: bool


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class IsTruth:
    """`operand IS TRUE` or `IS FALSE`: never unknown."""

    operand: "Node"
    truth: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Operator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """`coalesce(...)`: the first operand that is not null."""

    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Cased:
    """`lower(...)` or `upper(...)`."""

    operand: "Node"
    is_upper: bool


@dataclass(frozen=True, slots=True)
class Every:
    """AND."""

    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """OR."""

    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    operand: "Node"


Node = (
    Leaf | Constant | Comparison | OneOf | Matches | IsNull | IsTruth | Arithmetic
    | FirstKnown | Cased | Every | Some | Negation
)  # fmt: skip
