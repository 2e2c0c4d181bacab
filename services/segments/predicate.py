"""What a predicate means: sqlglot's syntax -> our typed tree. What is not listed is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from services.segments.catalogue import (
    BUILT_INS,
    COALESCE,
    FUNCTIONS,
    LISTS,
    TEXT_FUNCTIONS,
    Catalogue,
    function_names,
    listed,
)
from services.segments.literals import constant, is_literal, is_text, named
from services.segments.syntax import DEPTH_MAX, SyntaxTree, parse_syntax
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
    LeafKind,
    Matches,
    Negation,
    Node,
    OneOf,
    Operator,
    Some,
    ValueType,
)
from services.segments.value_types import Types, is_quoted

IN_LIST_MAX = 1_000
ARGUMENTS_MAX = 20

_CONDITIONS = "a condition is needed: a comparison, IS NULL, or a function such as has('event')"
_COMPARATORS: Mapping[type[exp.Expr], Comparator] = MappingProxyType(
    {
        exp.EQ: Comparator.EQUAL,
        exp.NEQ: Comparator.NOT_EQUAL,
        exp.LT: Comparator.LESS,
        exp.LTE: Comparator.AT_MOST,
        exp.GT: Comparator.MORE,
        exp.GTE: Comparator.AT_LEAST,
        exp.NullSafeEQ: Comparator.NOT_DISTINCT,
        exp.NullSafeNEQ: Comparator.DISTINCT,
    }
)
_OPERATORS: Mapping[type[exp.Expr], Operator] = MappingProxyType(
    {exp.Add: Operator.PLUS, exp.Sub: Operator.MINUS, exp.Mul: Operator.TIMES}
)
_PLAIN = frozenset({"this", "expression", "expressions"})
_OPTIONS: Mapping[type[exp.Expr], frozenset[str]] = MappingProxyType(
    {
        exp.Literal: frozenset({"this", "is_string"}),
        exp.Column: frozenset({"this", "table", "db", "catalog"}),  # refused by name below
        exp.Cast: frozenset({"this", "to"}),
        exp.In: frozenset({"this", "expressions", "query", "field"}),
        exp.Between: frozenset({"this", "low", "high", "symmetric"}),
        exp.Like: frozenset({"this", "expression", "negate"}),
        exp.ILike: frozenset({"this", "expression", "negate"}),
    }
)
"""What each node may say beside its operands."""
_ORDERED = (Comparator.LESS, Comparator.AT_MOST, Comparator.MORE, Comparator.AT_LEAST)


def parse_predicate(text: str, *, catalogue: Catalogue | None = None) -> Node:
    """Raises UsageError with the position of what may not stand there, and what may.

    Without a catalogue any field name is taken: traits come from anywhere.
    """
    syntax = parse_syntax(text)
    types = Types(syntax=syntax, catalogue=catalogue)
    types.infer(syntax.root)
    return _Reader(syntax=syntax, types=types).condition(syntax.root, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """One reading of one predicate, from the root down; `depth` bounds the recursion."""

    syntax: SyntaxTree
    types: Types

    def condition(self, node: exp.Expr, depth: int) -> Node:  # noqa: PLR0911  # an arm a node
        """What stands where true or false is needed."""
        self._check(node, depth)
        match node:
            case exp.Paren():
                return self.condition(node.this, depth + 1)
            case exp.And() | exp.Or():
                operands = tuple(self.condition(each, depth + 1) for each in node.flatten())
                return Every(operands) if isinstance(node, exp.And) else Some(operands)
            case exp.Not():
                return Negation(self.condition(node.this, depth + 1))
            case exp.Is():
                return self._is(node, depth)
            case exp.In():
                return self._in(node, depth)
            case exp.Between():
                return self._between(node, depth)
            case exp.Like() | exp.ILike():
                return self._like(node, depth)
            case exp.Boolean() | exp.Column() | exp.Anonymous():
                return self.value(node, ValueType.BOOLEAN, depth + 1)
        comparator = _COMPARATORS.get(type(node))
        if comparator is None:
            self.syntax.refuse(node, f"{named(node)} may not stand here; {_CONDITIONS}")
        return self._comparison(comparator, node, depth)

    def value(  # noqa: PLR0911, RET503  # an arm a node; refuse never returns
        self, node: exp.Expr, wanted: ValueType, depth: int
    ) -> Node:
        """What stands where a value of the wanted type is needed."""
        self._check(node, depth)
        match node:
            case exp.Paren():
                return self.value(node.this, wanted, depth + 1)
            case exp.Literal() | exp.Boolean() | exp.Cast() | exp.Neg(this=exp.Literal()):
                return constant(self.syntax, node, wanted)
            case exp.Column():
                return self._column(node, wanted)
            case exp.Anonymous():
                return self._call(node, wanted, depth)
            case exp.Add() | exp.Sub() | exp.Mul():
                self.types.check(node, ValueType.NUMBER, wanted)
                left, right = (self.value(side, wanted, depth + 1) for side in _sides(node))
                return Arithmetic(_OPERATORS[type(node)], left, right)
            case exp.Neg():
                self.types.check(node, ValueType.NUMBER, wanted)
                operand = self.value(node.this, wanted, depth + 1)
                return Arithmetic(Operator.MINUS, Constant(0.0), operand)
        if wanted is ValueType.BOOLEAN:
            return self.condition(node, depth + 1)
        self.syntax.refuse(
            node, f"{named(node)} may not stand here; a {wanted} is needed: a field or a literal"
        )

    def _check(self, node: exp.Expr, depth: int) -> None:
        """Nothing that a node says may be passed over: `NOT LIKE` is a LIKE with an option."""
        if depth > DEPTH_MAX:
            self.syntax.refuse(node, f"nested more than {DEPTH_MAX} deep")
        said = {name for name, value in node.args.items() if value}
        if not said <= _OPTIONS.get(type(node), _PLAIN):
            self.syntax.refuse(node, f"{named(node)} may not stand here in this form")

    # ---- conditions -------------------------------------------------------------------------

    def _comparison(self, comparator: Comparator, node: exp.Expr, depth: int) -> Node:
        wanted = self.types.common(_sides(node), node)
        if comparator in _ORDERED and wanted is ValueType.BOOLEAN:
            self.syntax.refuse(node, f"true and false have no order; {comparator} needs one")
        left, right = (self.value(side, wanted, depth + 1) for side in _sides(node))
        return Comparison(comparator, left, right)

    def _between(self, node: exp.Expr, depth: int) -> Node:
        if node.args.get("symmetric"):
            self.syntax.refuse(node, "BETWEEN SYMMETRIC may not stand here; BETWEEN may")
        parts = (node.this, node.args["low"], node.args["high"])
        wanted = self.types.common(parts, node)
        if wanted is ValueType.BOOLEAN:
            self.syntax.refuse(node, "true and false have no order; BETWEEN needs one")
        value, low, high = (self.value(part, wanted, depth + 1) for part in parts)
        at_least = Comparison(Comparator.AT_LEAST, value, low)
        return Every((at_least, Comparison(Comparator.AT_MOST, value, high)))

    def _in(self, node: exp.Expr, depth: int) -> Node:
        if node.args.get("field") is not None:
            return self._in_list(node)
        items: Sequence[exp.Expr] = node.expressions
        if node.args.get("query") is not None or not items:
            self.syntax.refuse(node, "IN needs a list of literals: city IN ('Leeds', 'York')")
        if len(items) > IN_LIST_MAX:
            self.syntax.refuse(node, f"IN has {len(items)} values; at most {IN_LIST_MAX} may be")
        for item in items:
            if isinstance(item, exp.Null):
                self.syntax.refuse(
                    node, "NULL in a list makes IN unknown; say `... OR field IS NULL` instead"
                )
            if not is_literal(item):
                self.syntax.refuse(item, "only literals may stand in the list of IN")
        wanted = self.types.common((node.this, *items), node)
        values = tuple(constant(self.syntax, item, wanted) for item in items)
        return OneOf(self.value(node.this, wanted, depth + 1), values)

    def _in_list(self, node: exp.Expr) -> Node:
        place = node.args["field"]
        name = place.name if isinstance(place, exp.Column) else ""
        if name not in LISTS or not is_text(node.this):
            self.syntax.refuse(
                place, f"after a quoted name and IN may stand {', '.join(LISTS)}, or a list (...)"
            )
        return Leaf(LeafKind.IN_LIST, ValueType.BOOLEAN, (name, node.this.name))

    def _is(self, node: exp.Expr, depth: int) -> Node:
        asked, operand = node.expression, node.this.unnest()
        if isinstance(asked, exp.Boolean):
            return IsTruth(self.value(operand, ValueType.BOOLEAN, depth + 1), bool(asked.this))
        if not isinstance(asked, exp.Null):
            self.syntax.refuse(
                node, "after IS may stand NULL, NOT NULL, TRUE, FALSE, DISTINCT FROM"
            )
        if isinstance(operand, exp.Column) and not _is_built_in(operand):
            self.types.of_column(operand)
            # Whether there is a value at all is asked of its text, which every value has.
            return IsNull(Leaf(LeafKind.FIELD, ValueType.TEXT, (self._name(operand),)))
        return IsNull(self.value(operand, self.types.common((operand,), node), depth + 1))

    def _like(self, node: exp.Expr, depth: int) -> Node:
        pattern = node.expression
        if not is_text(pattern):
            self.syntax.refuse(node, "LIKE needs a quoted pattern: name LIKE 'A%'")
        operand = self.value(node.this, ValueType.TEXT, depth + 1)
        matches = Matches(operand, pattern.name, isinstance(node, exp.ILike))
        return Negation(matches) if node.args.get("negate") else matches

    # ---- values -----------------------------------------------------------------------------

    def _column(self, node: exp.Column, wanted: ValueType) -> Leaf:
        name = self._name(node)
        known = self.types.of_column(node)
        if _is_built_in(node):
            self.types.check(node, BUILT_INS[name], wanted)
            return Leaf(LeafKind.BUILT_IN, wanted, (name,))
        if known is not None and self.types.catalogue is not None:
            self.types.check(node, known, wanted)
        self.types.use(node, wanted)
        return Leaf(LeafKind.FIELD, wanted, (name,))

    def _name(self, node: exp.Column) -> str:
        if node.args.get("table") is not None or not isinstance(node.this, exp.Identifier):
            self.syntax.refuse(node, "a field's name is needed; quote one with a dot in it")
        if node.name in LISTS and not is_quoted(node):
            self.syntax.refuse(node, f"{node.name} is a list; ask `'web' IN {node.name}`")
        return str(node.name)

    def _call(self, node: exp.Anonymous, wanted: ValueType, depth: int) -> Node:
        name = str(node.this).lower()
        arguments: Sequence[exp.Expr] = node.expressions
        if len(arguments) > ARGUMENTS_MAX:
            self.syntax.refuse(node, f"{name} takes at most {ARGUMENTS_MAX} arguments")
        if name in TEXT_FUNCTIONS:
            self.types.check(node, ValueType.TEXT, wanted)
            if len(arguments) != 1:
                self.syntax.refuse(node, f"{name} takes one argument: {name}(city)")
            return Cased(self.value(arguments[0], wanted, depth + 1), name == "upper")
        if name == COALESCE:
            if len(arguments) < 2:  # noqa: PLR2004  # a default is the second argument
                self.syntax.refuse(node, "coalesce takes a value and a default: coalesce(plan, '')")
            return FirstKnown(tuple(self.value(each, wanted, depth + 1) for each in arguments))
        return self._read(node, name, wanted)

    def _read(self, node: exp.Anonymous, name: str, wanted: ValueType) -> Leaf:
        function = FUNCTIONS.get(name)
        if function is None:
            known = listed(name, function_names())
            self.syntax.refuse(node, f"unknown function {name!r}; known are {known}")
        usage = function.usage(name)
        for argument in node.expressions:
            if isinstance(argument, exp.Kwarg):
                self.syntax.refuse_option(argument, usage)
        self.types.check(node, function.result, wanted)
        texts = tuple(argument.name for argument in node.expressions if is_text(argument))
        if not len(texts) == len(function.arguments) == len(node.expressions):
            self.syntax.refuse(node, f"{name} is used like {usage}")
        return Leaf(function.kind, function.result, texts)


def _sides(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    return node.this, node.expression


def _is_built_in(node: exp.Column) -> bool:
    return node.name in BUILT_INS and not is_quoted(node)
