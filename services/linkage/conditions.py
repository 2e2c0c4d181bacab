"""Conditions of levels as trees: as much of SQL as `levels.py` and Splink's CASE are spelled in.

What is not understood raises Unreadable; whoever asks leaves such a condition to the database.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>\"[^\"]+\"|[A-Za-z_]\w*)|(?P<sign><>|>=|<=|[-/=<>(),]))"
)
_COMPARING = frozenset({"=", "<>", ">=", "<=", "<", ">"})
_CALCULATING = frozenset({"-", "/"})


class Unreadable(Exception):  # noqa: N818  # not an error of the model: its SQL is the database's
    """A condition that says more than these trees can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A record's derived column; `side` is l or r."""

    name: str
    side: str

    @property
    def key(self) -> str:
        """Tells columns apart at the price of a text."""
        return f"{self.name}_{self.side}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    name: str
    arguments: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull:
    of: "Tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Two operands and a sign, or `and`, or `or`."""

    sign: str
    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """CASE with one WHEN and an ELSE."""

    when: "Tree"
    then: "Tree"
    other: "Tree"


Tree = Column | Number | Constant | Call | IsNull | Operation | Choice


def parse(sql: str) -> Tree:
    """Raises Unreadable for anything that `levels.py` does not say."""
    parser = _Parser(_tokens(sql))
    tree = parser.either()
    if not parser.at_end:
        raise Unreadable(sql)
    return tree


def _tokens(sql: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place, text = 0, sql.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise Unreadable(sql)
        word = found[found.lastgroup]
        is_quoted = word.startswith('"')
        tokens.append((found.lastgroup, word.strip('"') if is_quoted else word.lower()))
        place = found.end()
    return tokens


class _Parser:
    """From the loosest binding down: or, and, comparing, calculating, what stands by itself."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def either(self) -> Tree:
        tree = self._both()
        while self._take("or"):
            tree = Operation(sign="or", left=tree, right=self._both())
        return tree

    def _both(self) -> Tree:
        tree = self._compared()
        while self._take("and"):
            tree = Operation(sign="and", left=tree, right=self._compared())
        return tree

    def _compared(self) -> Tree:
        tree = self._calculated()
        if self._take("is"):
            self._expect("null")
            return IsNull(of=tree)
        if self._next() in _COMPARING:
            return Operation(sign=self._any(), left=tree, right=self._calculated())
        return tree

    def _calculated(self) -> Tree:
        tree = self._single()
        while self._next() in _CALCULATING:
            tree = Operation(sign=self._any(), left=tree, right=self._single())
        return tree

    def _single(self) -> Tree:
        if self._take("("):
            tree = self.either()
            self._expect(")")
            return tree
        if self._take("case"):
            return self._choice()
        kind, word = self._tokens[self._place] if not self.at_end else ("", "")
        self._place += 1
        if kind == "number":
            return Number(value=float(word))
        if kind != "name" or word in {"not", "between", "in", "like", "null", "end", "else"}:
            raise Unreadable(word)
        if word in {"true", "false"}:
            return Constant(value=word == "true")
        if self._take("("):
            return Call(name=word, arguments=self._arguments())
        if word[-2:] not in {"_l", "_r"}:
            raise Unreadable(word)
        return Column(name=word[:-2], side=word[-1])

    def _choice(self) -> Tree:
        self._expect("when")
        when = self.either()
        self._expect("then")
        then = self.either()
        self._expect("else")
        other = self.either()
        self._expect("end")
        return Choice(when=when, then=then, other=other)

    def _arguments(self) -> tuple[Tree, ...]:
        arguments = [self.either()]
        while self._take(","):
            arguments.append(self.either())
        self._expect(")")
        return tuple(arguments)

    def _next(self) -> str:
        return "" if self.at_end else self._tokens[self._place][1]

    def _any(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _take(self, word: str) -> bool:
        if self._next() != word:
            return False
        self._place += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise Unreadable(word)
