"""The type of every part of a predicate: one field is one type, and unlike things do not compare.

Polars fails on a text against a number where SQL would cast, so both are refused while reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from services.segments.catalogue import (
    BUILT_INS,
    COALESCE,
    FUNCTIONS,
    LISTS,
    TEXT_FUNCTIONS,
    Catalogue,
    known_names,
    listed,
)
from services.segments.literals import is_literal, literal_type, named
from services.segments.syntax import SyntaxTree
from services.segments.tree import ValueType

_NULL = "NULL may stand after IS and IS NOT only"
_TRUTHS = (
    exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.EQ, exp.NEQ,
    exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip


@dataclass(kw_only=True)
class Types:
    """Types in one predicate. `used`: the type each open field was first used as, and where."""

    syntax: SyntaxTree
    catalogue: Catalogue | None
    used: dict[str, tuple[ValueType, str]] = field(default_factory=dict)

    def common(self, nodes: Sequence[exp.Expr], whole: exp.Expr) -> ValueType:
        """The one type of values that stand beside each other; text where nothing says."""
        found = [(node, self.of(node)) for node in nodes]
        if any(each is ValueType.TIME for _, each in found):
            # Beside a time a literal is read as one: '2026-01-31', or microseconds.
            found = [(n, each) for n, each in found if each is ValueType.TIME or not is_literal(n)]
        types = {each for _, each in found if each is not None}
        if len(types) > 1:
            said = " and a ".join(sorted(types))
            self.syntax.refuse(whole, f"a {said} cannot be compared{self._uses(nodes)}")
        return types.pop() if types else ValueType.TEXT

    def of(self, node: exp.Expr) -> ValueType | None:
        """The type that the node has by itself; None for a field that nobody described."""
        node = node.unnest()
        match node:
            case exp.Column():
                return self.of_column(node)
            case exp.Literal() | exp.Boolean() | exp.Cast():
                return literal_type(node)
            case exp.Neg() | exp.Add() | exp.Sub() | exp.Mul():
                return ValueType.NUMBER
            case exp.Anonymous():
                return self._of_call(node)
            case exp.Null():
                self.syntax.refuse(node, _NULL)
        return ValueType.BOOLEAN if isinstance(node, _TRUTHS) else None

    def of_column(self, node: exp.Column) -> ValueType | None:
        """Raises UsageError for a field that the catalogue, where there is one, does not know."""
        name = node.name
        if name in BUILT_INS and not is_quoted(node):
            return BUILT_INS[name]
        if self.catalogue is None:
            used = self.used.get(name)
            return used[0] if used else None
        if name not in self.catalogue.fields and name not in LISTS:
            known = listed(name, known_names(self.catalogue))
            self.syntax.refuse(node, f"unknown field {name!r}; known are {known}")
        return self.catalogue.fields.get(name)

    def use(self, node: exp.Column, wanted: ValueType) -> None:
        """Note that a field is used as this type; it may not be used as another one as well."""
        first, place = self.used.setdefault(node.name, (wanted, self.syntax.position(node)))
        if first is not wanted:
            self.syntax.refuse(
                node, f"field {node.name!r} is used as a {wanted} here and as a {first} at {place}"
            )

    def check(self, node: exp.Expr, found: ValueType, wanted: ValueType) -> None:
        if found is not wanted:
            self.syntax.refuse(node, f"a {wanted} is needed here; {named(node)} is a {found}")

    def _of_call(self, node: exp.Anonymous) -> ValueType | None:
        name = str(node.this).lower()
        if name in TEXT_FUNCTIONS:
            return ValueType.TEXT
        if name == COALESCE:
            known = [each for each in node.expressions if self.of(each) is not None]
            return self.common(known, node) if known else None
        function = FUNCTIONS.get(name)
        return None if function is None else function.result

    def _uses(self, nodes: Sequence[exp.Expr]) -> str:
        for node in nodes:
            if isinstance(node, exp.Column) and node.name in self.used:
                used, place = self.used[node.name]
                return f"; field {node.name!r} is used as a {used} at {place}"
        return ""


def is_quoted(node: exp.Column) -> bool:
    return bool(node.this.args.get("quoted"))
