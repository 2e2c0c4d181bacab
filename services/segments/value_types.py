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
_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Neg)
_COMPARED = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_JOINED = (exp.And, exp.Or, exp.Not)
_TRUTHS = (*_JOINED, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, *_COMPARED)


@dataclass(kw_only=True)
class Types:
    """Types in one predicate. `used`: the type each open field was first used as, and where."""

    syntax: SyntaxTree
    catalogue: Catalogue | None
    used: dict[str, tuple[ValueType, str]] = field(default_factory=dict)

    def infer(self, root: exp.Expr) -> None:
        """Give open fields the type of what they stand beside, wherever in the predicate that is.

        `a = b AND a > 3` makes numbers of both. Each round types one more field or is the last.
        """
        nodes = ((node, _beside(node)) for node in root.walk(bfs=False))
        groups = [(node, sides) for node, sides in nodes if sides]
        before = -1
        while before != len(self.used):
            before = len(self.used)
            for node, sides in groups:
                wanted = self._wanted(node, sides)
                for side in sides:
                    if wanted is not None and self._is_open(side):
                        self.used.setdefault(side.name, (wanted, self.syntax.position(side)))

    def _wanted(self, node: exp.Expr, sides: Sequence[exp.Expr]) -> ValueType | None:
        if isinstance(node, _SUMS):
            return ValueType.NUMBER
        if isinstance(node, (*_JOINED, exp.Is)):
            return ValueType.BOOLEAN
        types = [self.of(side) for side in sides]
        if ValueType.TIME in types:
            return ValueType.TIME
        return next((each for each in types if each is not None), None)

    def _is_open(self, node: exp.Expr) -> bool:
        return isinstance(node, exp.Column) and self.of_column(node) is None

    def common(self, nodes: Sequence[exp.Expr], whole: exp.Expr) -> ValueType:
        """The one type of values that stand beside each other; text where nothing says."""
        return self._agreed(nodes, whole) or ValueType.TEXT

    def _agreed(self, nodes: Sequence[exp.Expr], whole: exp.Expr) -> ValueType | None:
        """Asks each node once: asking twice would double at every level of nested coalesce."""
        found = [(node, self.of(node)) for node in nodes]
        if any(each is ValueType.TIME for _, each in found):
            # Beside a time a literal is read as one: '2026-01-31', or microseconds.
            found = [(n, each) for n, each in found if each is ValueType.TIME or not is_literal(n)]
        types = {each for _, each in found if each is not None}
        if len(types) > 1:
            said = " and a ".join(sorted(types))
            self.syntax.refuse(whole, f"a {said} cannot be compared{self._uses(nodes)}")
        return types.pop() if types else None

    def of(self, node: exp.Expr) -> ValueType | None:
        """The type that the node has by itself; None for a field that nobody described."""
        node = node.unnest()
        match node:
            case exp.Column():
                return self.of_column(node)
            case exp.Literal() | exp.Boolean() | exp.Cast():
                return literal_type(node)
            case _ if isinstance(node, _SUMS):
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
        if _is_coalesce(node):
            return self._agreed(node.expressions, node)
        function = FUNCTIONS.get(name)
        return None if function is None else function.result

    def _uses(self, nodes: Sequence[exp.Expr]) -> str:
        for node in nodes:
            if isinstance(node, exp.Column) and node.name in self.used:
                used, place = self.used[node.name]
                return f"; field {node.name!r} is used as a {used} at {place}"
        return ""


def _beside(node: exp.Expr) -> list[exp.Expr]:
    """The operands that must be of one type."""
    match node:
        case exp.In():
            sides = [node.this, *node.expressions] if node.expressions else []
        case exp.Between():
            sides = [node.this, node.args["low"], node.args["high"]]
        case exp.Neg() | exp.Not() | exp.Is(expression=exp.Boolean()):
            sides = [node.this]
        case exp.Anonymous() if _is_coalesce(node):
            sides = list(node.expressions)
        case _ if isinstance(node, _COMPARED + _SUMS + _JOINED):
            sides = [node.this, node.expression]
        case _:
            sides = []
    return [each for side in sides for each in _opened(side)]


def _opened(side: exp.Expr) -> list[exp.Expr]:
    """A default and what it stands for are of one type with all that the coalesce stands beside."""
    operands: list[exp.Expr] = []
    waiting = [side]
    while waiting:
        each = waiting.pop().unnest()
        if isinstance(each, exp.Anonymous) and _is_coalesce(each):
            waiting.extend(each.expressions)
        elif not isinstance(each, exp.Null):
            operands.append(each)
    return operands


def _is_coalesce(node: exp.Anonymous) -> bool:
    return str(node.this).lower() == COALESCE


def is_quoted(node: exp.Column) -> bool:
    return bool(node.this.args.get("quoted"))
