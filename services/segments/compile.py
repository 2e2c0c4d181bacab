"""The typed tree -> one Polars expression over the columns of its leaves, in SQL's null logic."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import assert_never

import polars as pl

from services.segments.tree import (
    Arithmetic,
    Cased,
    Comparator,
    Comparison,
    Constant,
    Every,
    FirstKnown,
    IsNull,
    IsTruth,
    Leaf,
    Matches,
    Negation,
    Node,
    OneOf,
    Operator,
    Some,
    ValueType,
)

COLUMN_TYPES: Mapping[ValueType, type[pl.DataType]] = MappingProxyType(
    {
        ValueType.TEXT: pl.String,
        ValueType.NUMBER: pl.Float64,
        ValueType.BOOLEAN: pl.Boolean,
        ValueType.TIME: pl.Int64,
    }
)
_Binary = Callable[[pl.Expr, pl.Expr], pl.Expr]
_COMPARE: Mapping[Comparator, _Binary] = MappingProxyType(
    {
        Comparator.EQUAL: lambda left, right: left == right,
        Comparator.NOT_EQUAL: lambda left, right: left != right,
        Comparator.LESS: lambda left, right: left < right,
        Comparator.AT_MOST: lambda left, right: left <= right,
        Comparator.MORE: lambda left, right: left > right,
        Comparator.AT_LEAST: lambda left, right: left >= right,
        Comparator.DISTINCT: lambda left, right: left.ne_missing(right),
        Comparator.NOT_DISTINCT: lambda left, right: left.eq_missing(right),
    }
)
_CALCULATE: Mapping[Operator, _Binary] = MappingProxyType(
    {
        Operator.PLUS: lambda left, right: left + right,
        Operator.MINUS: lambda left, right: left - right,
        Operator.TIMES: lambda left, right: left * right,
    }
)
_LIKE: Mapping[str, str] = MappingProxyType({"%": ".*", "_": "."})
_REGEX_SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~")


def leaves(node: Node) -> Iterator[Leaf]:
    """What the predicate reads, from left to right."""
    match node:
        case Leaf():
            yield node
        case Constant():
            return
        case Comparison() | Arithmetic():
            yield from leaves(node.left)
            yield from leaves(node.right)
        case OneOf() | Matches():
            yield from leaves(node.left)
        case IsNull() | IsTruth() | Cased() | Negation():
            yield from leaves(node.operand)
        case Every() | Some() | FirstKnown():
            for operand in node.operands:
                yield from leaves(operand)
        case _:
            assert_never(node)


def compile_node(  # noqa: C901, PLR0911, PLR0912  # an arm a node of the tree
    node: Node, names: Mapping[Leaf, str]
) -> pl.Expr:
    """`names` gives the column of each leaf. The tree's depth is bounded by its reader."""
    match node:
        case Leaf():
            return pl.col(names[node])
        case Constant():
            return pl.lit(node.value, dtype=_dtype(node.value))
        case Comparison():
            compare = _COMPARE[node.comparator]
            return compare(compile_node(node.left, names), compile_node(node.right, names))
        case OneOf():
            return _one_of(compile_node(node.left, names), node)
        case Matches():
            return _match(compile_node(node.left, names), node)
        case IsNull():
            return compile_node(node.operand, names).is_null()
        case IsTruth():
            return compile_node(node.operand, names).eq_missing(pl.lit(node.truth))
        case Arithmetic():
            calculate = _CALCULATE[node.operator]
            return calculate(compile_node(node.left, names), compile_node(node.right, names))
        case FirstKnown():
            return pl.coalesce(*(compile_node(each, names) for each in node.operands))
        case Cased():
            text = compile_node(node.operand, names).str
            return text.to_uppercase() if node.is_upper else text.to_lowercase()
        case Every():
            return _balanced(
                [compile_node(each, names) for each in node.operands],
                lambda left, right: left & right,
            )
        case Some():
            return _balanced(
                [compile_node(each, names) for each in node.operands],
                lambda left, right: left | right,
            )
        case Negation():
            return ~compile_node(node.operand, names)
        case _:
            assert_never(node)


def _dtype(value: str | float | bool) -> type[pl.DataType]:  # noqa: FBT001  # any literal's value
    match value:
        case bool():
            return pl.Boolean
        case str():
            return pl.String
        case int():
            return pl.Int64
        case _:
            return pl.Float64


def _one_of(left: pl.Expr, node: OneOf) -> pl.Expr:
    """A literal's `is_in` is one row long and Polars refuses to broadcast it; `==` is broadcast."""
    values = [value.value for value in node.values]
    if next(leaves(node.left), None) is None:
        equals = [left == pl.lit(value, dtype=_dtype(value)) for value in values]
        return _balanced(equals, lambda left, right: left | right)
    return left.is_in(pl.Series(values, dtype=_dtype(values[0])).implode())


def _match(text: pl.Expr, node: Matches) -> pl.Expr:
    """LIKE as an anchored regular expression; `_` is one character, line ends included."""
    pattern = node.pattern.lower() if node.ignores_case else node.pattern
    regex = "".join(_LIKE.get(character) or _escaped(character) for character in pattern)
    operand = text.str.to_lowercase() if node.ignores_case else text
    return operand.str.contains(f"^(?s:{regex})$")


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _REGEX_SPECIAL else character


def _balanced(operands: list[pl.Expr], join: _Binary) -> pl.Expr:
    """AND or OR as a tree of logarithmic depth: a chain of thousands exhausts Polars' stack."""
    while len(operands) > 1:
        pairs = [operands[i : i + 2] for i in range(0, len(operands), 2)]
        operands = [join(pair[0], pair[1]) if len(pair) > 1 else pair[0] for pair in pairs]
    return operands[0]
