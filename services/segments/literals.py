"""Literals of a predicate: which syntax is one, and the constant it stands for."""

import math
import re
from datetime import UTC, datetime

from sqlglot import exp

from services.segments.syntax import SyntaxTree
from services.segments.tree import Constant, ValueType

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].+)?", re.ASCII | re.DOTALL)
_TIME_TYPES = (
    exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPNTZ,  # how the dialect reads TIMESTAMP
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_MAX = 2**53  # beyond it a number of the language no longer names one microsecond


def parse_time(text: str) -> int | None:
    """Microseconds of an ISO 8601 date or time, UTC without an offset; None if it is none."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    elapsed = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def constant(syntax: SyntaxTree, node: exp.Expr, wanted: ValueType) -> Constant:
    """Raises UsageError when the literal is not of the wanted type."""
    if isinstance(node, exp.Cast) and not is_time_literal(node):
        syntax.refuse(node, "a cast may not stand here; DATE '2026-01-31' may")
    own = literal_type(node)
    if own is not wanted and (wanted is not ValueType.TIME or own is ValueType.BOOLEAN):
        syntax.refuse(node, f"a {wanted} is needed here; {named(node)} is a {own}")
    if isinstance(node, exp.Boolean):
        return Constant(bool(node.this))
    if own is ValueType.NUMBER:
        return _number(syntax, node, wanted)
    text = node.this.name if isinstance(node, exp.Cast) else node.name
    return Constant(text) if wanted is ValueType.TEXT else _time(syntax, node, text)


def literal_type(node: exp.Expr) -> ValueType:
    if isinstance(node, exp.Boolean):
        return ValueType.BOOLEAN
    if isinstance(node, exp.Cast):
        return ValueType.TIME
    return ValueType.TEXT if is_text(node) else ValueType.NUMBER


def is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


def is_literal(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg):
        return isinstance(node.this, exp.Literal) and not node.this.is_string
    return isinstance(node, exp.Literal | exp.Boolean) or is_time_literal(node)


def is_time_literal(node: exp.Expr) -> bool:
    """DATE '...' and TIMESTAMP '...', which sqlglot reads as casts."""
    if not (isinstance(node, exp.Cast) and is_text(node.this)):
        return False
    return node.to.this in _TIME_TYPES


def named(node: exp.Expr) -> str:
    """The node in the reader's words: never the text of a literal, which may name a person."""
    match node:
        case exp.Column():
            return f"field {node.name!r}"
        case exp.Anonymous():
            return f"{str(node.this).lower()}(...)"
        case exp.Literal():
            return "a quoted text" if node.is_string else "a number"
        case _:
            return type(node).__name__.upper()


def _number(syntax: SyntaxTree, node: exp.Expr, wanted: ValueType) -> Constant:
    is_negative = isinstance(node, exp.Neg)
    try:
        number = float(node.this.name if is_negative else node.name)
    except ValueError:
        syntax.refuse(node, "this must be a number, or a text in single quotes")
    if not math.isfinite(number):
        syntax.refuse(node, "this number is too large")
    number = -number if is_negative else number
    if wanted is ValueType.NUMBER:
        return Constant(number)
    if abs(number) > _EXACT_MAX or number != int(number):
        syntax.refuse(node, "a time as a number is whole microseconds since 1970")
    return Constant(int(number))


def _time(syntax: SyntaxTree, node: exp.Expr, text: str) -> Constant:
    micros = parse_time(text)
    if micros is None:
        syntax.refuse(node, "a time is written like '2026-01-31' or '2026-01-31T09:30:00Z'")
    return Constant(micros)
