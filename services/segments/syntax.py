"""Text of a predicate -> sqlglot's syntax tree, with every bound checked before it is parsed.

sqlglot recurses on nesting, so depth and length are bounded on the tokens, which are read in a
loop. Functions are left unnamed here: what they mean is the business of `predicate.py`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from services.identity.domain.errors import UsageError

CHARACTERS_MAX = 4_000
DEPTH_MAX = 50  # of the tree, and of a run of NOT or minus signs
BRACKETS_MAX = (
    25  # a bracket costs sqlglot 23 frames of the 1,000 that Python has, callers' included
)

_PUNCTUATION = frozenset(
    {
        TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER, TokenType.L_PAREN,
        TokenType.R_PAREN, TokenType.COMMA, TokenType.EQ, TokenType.NEQ, TokenType.GT,
        TokenType.GTE, TokenType.LT, TokenType.LTE, TokenType.PLUS, TokenType.DASH,
        TokenType.STAR, TokenType.FARROW,
    }
)  # fmt: skip
_PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})
_OPENED = re.compile(r" from (\d+):(\d+)")  # what sqlglot says of the last place that was closed
_WORD = re.compile(r"[^\W\d]\w*")
_MAY_STAND = "fields, functions, texts, numbers, AND, OR, NOT, comparisons and brackets may stand"


class _Predicates(DuckDB):
    """DuckDB's grammar without its function names: each call stays as it was written."""

    class Parser(DuckDB.Parser):  # type: ignore[misc, valid-type]  # made by a metaclass
        FUNCTIONS: ClassVar[dict[str, object]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, object]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, object]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, object]] = {}


@dataclass(frozen=True, slots=True)
class SyntaxTree:
    """A parsed predicate and its text, which positions are read from."""

    text: str
    root: exp.Expr

    def position(self, node: exp.Expr) -> str:
        """Line and column, from one, of the first character of `node` that is known."""
        return position(self.text, start_of(node))

    def refuse(self, node: exp.Expr, message: str) -> NoReturn:
        raise UsageError(f"at {self.position(node)}: {message}")

    def refuse_option(self, option: exp.Kwarg, usage: str) -> NoReturn:
        """Windows and filters will be written `within => '30 days'`; no option exists yet."""
        name = option.this.name
        start = self.text.lower().rfind(name.lower(), 0, start_of(option))
        place = position(self.text, max(start, 0))
        raise UsageError(f"at {place}: `{name} =>` is not yet possible; use {usage}")


def start_of(node: exp.Expr) -> int:
    """Operators carry no position of their own: theirs is that of what they stand over."""
    starts = [item.meta["start"] for item in node.walk() if "start" in item.meta]
    if starts:
        return int(min(starts))
    return 0 if node.parent is None else start_of(node.parent)


def position(text: str, start: int) -> str:
    before = text[:start]
    return f"{before.count(chr(10)) + 1}:{start - before.rfind(chr(10))}"


def parse_syntax(text: str) -> SyntaxTree:
    """Raises UsageError with the position of what may not stand there. Comments are dropped."""
    if len(text) > CHARACTERS_MAX:
        raise UsageError(
            f"a predicate has at most {CHARACTERS_MAX} characters; this one has {len(text)}"
        )
    dialect = _Predicates()
    try:
        tokens = dialect.tokenize(text)
    except TokenError as error:
        found = _OPENED.search(str(error.__cause__))
        place = f"{found[1]}:{int(found[2]) + 1}" if found else position(text, len(text))
        raise UsageError(f"at {place}: a quote or a comment is not closed") from None
    _check_tokens(text, tokens)
    try:
        roots = dialect.parser().parse(tokens, text)
    except ParseError as error:
        raise UsageError(_said(error)) from None
    except RecursionError:
        raise UsageError("at 1:1: nested too deep") from None
    if len(roots) != 1 or roots[0] is None:
        raise UsageError(f"at 1:1: one condition is needed; {_MAY_STAND} here")
    return SyntaxTree(text=text, root=roots[0])


def _check_tokens(text: str, tokens: list[Token]) -> None:
    brackets = prefixes = 0
    for token in tokens:
        written = text[token.start : token.end + 1]
        is_word = written == token.text and _WORD.fullmatch(written) is not None
        if token.token_type not in _PUNCTUATION and not is_word:
            place = position(text, token.start)
            hint = "; quote a name with a dot in it" if token.token_type is TokenType.DOT else ""
            raise UsageError(f"at {place}: {written[:20]!r} may not stand here; {_MAY_STAND}{hint}")
        if token.token_type is TokenType.L_PAREN:
            brackets += 1
        elif token.token_type is TokenType.R_PAREN:
            brackets -= 1
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if brackets > BRACKETS_MAX or prefixes > DEPTH_MAX:
            place = position(text, token.start)
            deepest = BRACKETS_MAX if brackets > BRACKETS_MAX else DEPTH_MAX
            raise UsageError(f"at {place}: nested more than {deepest} deep")


def _said(error: ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    word = str(first.get("highlight") or "")
    line, column = first.get("line") or 1, (first.get("col") or 1) - max(len(word) - 1, 0)
    near = f" near {word[:20]!r}" if word else ""
    return f"at {line}:{column}: this cannot be read{near}; {_MAY_STAND}"
