"""Where a condition surely holds and where it may: what can be told without a string distance.

Both err on the safe side only: whoever decides by them asks the database about what lies between.
A condition that is null does not hold; none of them says NOT. DuckDB's distances count bytes.
"""

from collections.abc import Mapping
from typing import assert_never

import numpy as np
import numpy.typing as npt

from services.linkage.conditions import (
    Call,
    Choice,
    Column,
    Constant,
    IsNull,
    Number,
    Operation,
    Tree,
)
from services.linkage.edits import edits_up_to
from services.linkage.letters import LETTERS_MAX, Numbered, Places, Texts, Words, bits_of

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bounds = tuple[Flags, Flags]
"""Where it surely holds, and where it may."""

SHORT_MAX = 12
"""Edits of texts up to this length are counted here; of longer ones letters alone are compared."""
COUNTED_MIN = 1_000
"""So many pairs of texts at least: for fewer, a database's loop is less than ours over letters."""
_ROUNDING = 1e-6  # far more than a few operations on floats between 0 and 1 can be wrong by
_START_WEIGHT = 0.1  # what Winkler gives for each of at most four equal first letters
_FAR = np.iinfo(np.int32).max
EDITS = "damerau_levenshtein"
EDITS_MAX = 3
"""Up to how many are counted: of three swaps and what stands between them, few are left to ask."""


class PairsOf:
    """Some pairs of records, of which conditions are asked."""

    def __init__(
        self, groups: Mapping[str, Numbered], left: Rows, right: Rows, *, edits_max: int
    ) -> None:
        """`groups` has of each column those that it was numbered with."""
        self._edits_max = edits_max
        self._groups = groups
        self._rows = {"l": left, "r": right}
        self._size = len(left)
        self._places: dict[str, Places] = {}
        self._similar: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
        self._apart: dict[tuple[str, str], tuple[npt.NDArray[np.int32], Flags]] = {}

    def holds(self, tree: Tree) -> Bounds:
        match tree:
            case Choice():
                return self._choice(tree)
            case Operation(sign="and" | "or"):
                return self._joined(tree)
            case Operation():
                return self._compared(tree)
            case Call() | Constant() | IsNull() | Column() | Number():
                return self._stated(tree)
            case _:
                assert_never(tree)

    def _stated(self, tree: Call | Constant | IsNull | Column | Number) -> Bounds:
        match tree:
            case Constant(value=value):
                flags = np.full(self._size, value)
                return flags, flags
            case IsNull(of=Column() as column):
                flags = self._are_null(column)
                return flags, flags
            case Call(name="list_contains", arguments=(Column() as words, Column() as text)):
                return self._nothing(), self._bits(words) & bits_of(self._of(text)) != 0
            case Call(name="list_has_any", arguments=(Column() as words, Column() as others)):
                return self._nothing(), self._bits(words) & self._bits(others) != 0
            case _:
                return self._unknown()

    def _nothing(self) -> Flags:
        return np.zeros(self._size, dtype=np.bool_)

    def _unknown(self) -> Bounds:
        return self._nothing(), np.ones(self._size, dtype=np.bool_)

    def _choice(self, tree: Choice) -> Bounds:
        when, then, other = self.holds(tree.when), self.holds(tree.then), self.holds(tree.other)
        surely = (when[0] & then[0]) | (~when[1] & other[0])
        return surely, (when[1] & then[1]) | (~when[0] & other[1])

    def _joined(self, tree: Operation) -> Bounds:
        one, other = self.holds(tree.left), self.holds(tree.right)
        if tree.sign == "and":
            return one[0] & other[0], one[1] & other[1]
        return one[0] | other[0], one[1] | other[1]

    def _compared(self, tree: Operation) -> Bounds:
        match tree:
            case Operation(sign="=" | "<>", left=Column() as one, right=Column() as other):
                return self._same(one, other, wanted=tree.sign == "=")
            case Operation(
                sign="=",
                left=Call(name="left" | "substr") as one,
                right=Call(name="left" | "substr") as other,
            ) if one.name == other.name and one.arguments[1:] == other.arguments[1:]:
                return self._same_part(one, other)
            case Operation(left=Call() as call, right=Number(value=value)):
                return self._measured(call, tree.sign, value)
            case _:
                return self._unknown()

    def _measured(self, call: Call, sign: str, value: float) -> Bounds:
        match (call.name, sign, call.arguments):
            case ("length", _, (Column() as column,)):
                return self._length(column, sign, value)
            case ("abs", "<=", (Operation(sign="-", left=Call() as one, right=Call() as other),)):
                return self._lengths_apart(one, other, value)
            case ("jaro_winkler_similarity", ">=", (Column() as one, Column() as other)):
                return self._nothing(), self._similar_at_most(one, other) >= value - _ROUNDING
            case (
                "levenshtein" | "damerau_levenshtein",
                "<=",
                (Column() as one, Column() as other),
            ):
                apart, exactly = self._edits(one, other)
                # A swap is one edit of Damerau's and two of Levenshtein's.
                surely = value if call.name == EDITS else value // 2
                return exactly & (apart <= surely), apart <= value
            case ("len", ">=", (Call(name="list_intersect", arguments=arguments),)):
                return self._common_words(arguments, value)
            case _:
                return self._unknown()

    def _group(self, column: Column) -> Numbered:
        return self._groups[column.name]

    def _is_list(self, column: Column) -> bool:
        return column.name in self._group(column).words

    def _of(self, column: Column) -> Places:
        """The numbers of a column's texts, -1 where it is null."""
        found = self._places.get(column.key)
        if found is None:
            found = self._group(column).places[column.name][self._rows[column.side]]
            self._places[column.key] = found
        return found

    def _words(self, column: Column) -> Words:
        return self._group(column).words[column.name]

    def _bits(self, column: Column) -> npt.NDArray[np.uint64]:
        found: npt.NDArray[np.uint64] = self._words(column).bits[self._rows[column.side]]
        return found

    def _are_null(self, column: Column) -> Flags:
        if self._is_list(column):
            flags: Flags = self._words(column).are_null[self._rows[column.side]]
            return flags
        return self._of(column) < 0

    def _same(self, one: Column, other: Column, *, wanted: bool) -> Bounds:
        known = ~self._are_null(one) & ~self._are_null(other)
        if self._is_list(one) or self._is_list(other):
            return self._nothing(), known
        flags = known & ((self._of(one) == self._of(other)) == wanted)
        return flags, flags

    def _known_texts(self, *columns: Column) -> tuple[Texts, list[Places], Flags]:
        """What columns hold, 0 for null, and where none of them is."""
        found = [self._of(column) for column in columns]
        known = np.logical_and.reduce([places >= 0 for places in found])
        return self._group(columns[0]).texts, [np.maximum(p, 0) for p in found], known

    def _same_part(self, one: Call, other: Call) -> Bounds:
        """LEFT or SUBSTR of both, counted in letters: told of ASCII that is long enough."""
        numbers = [each.value for each in one.arguments[1:] if isinstance(each, Number)]
        first, second = one.arguments[0], other.arguments[0]
        if not isinstance(first, Column) or not isinstance(second, Column):
            return self._unknown()
        start, size = (1, numbers[0]) if one.name == "left" else (numbers[0], numbers[1])
        begin, end = int(start) - 1, int(start) - 1 + int(size)
        texts, (a, b), known = self._known_texts(first, second)
        if not len(texts) or begin < 0:
            return self._unknown()
        fit = texts.are_ascii & (texts.sizes >= end)
        told = fit[a] & fit[b]
        last = len(texts.bytes_) - 1
        equal = np.ones(self._size, dtype=np.bool_)
        for place in range(begin, end):
            letters = [texts.bytes_[np.minimum(texts.offsets[x] + place, last)] for x in (a, b)]
            equal &= letters[0] == letters[1]
        return known & told & equal, known & (~told | equal)

    def _length(self, column: Column, sign: str, value: float) -> Bounds:
        texts, (places,), known = self._known_texts(column)
        if not len(texts):
            return self._nothing(), self._nothing()
        sizes = texts.sizes[places]
        match sign:
            case "=":
                flags = sizes == value
            case ">":
                flags = sizes > value
            case ">=":
                flags = sizes >= value
            case _:
                return self._unknown()
        told = texts.are_ascii[places]
        return known & told & flags, known & (~told | flags)

    def _lengths_apart(self, one: Call, other: Call, value: float) -> Bounds:
        match (one, other):
            case (
                Call(name="length", arguments=(Column() as first,)),
                Call(name="length", arguments=(Column() as second,)),
            ):
                texts, (a, b), known = self._known_texts(first, second)
                if not len(texts):
                    return self._nothing(), self._nothing()
                told = texts.are_ascii[a] & texts.are_ascii[b]
                flags = np.abs(texts.sizes[a] - texts.sizes[b]) <= value
                return known & told & flags, known & (~told | flags)
            case _:
                return self._unknown()

    def _common_words(self, arguments: tuple[Tree, ...], value: float) -> Bounds:
        match arguments:
            case (Column() as one, Column() as other):
                common = np.bitwise_count(self._bits(one) & self._bits(other)).astype(np.int64)
                hidden = [self._words(c).hidden[self._rows[c.side]] for c in (one, other)]
                return self._nothing(), common + np.minimum(*hidden) >= value
            case _:
                return self._unknown()

    def _similar_at_most(self, one: Column, other: Column) -> npt.NDArray[np.float64]:
        """What Jaro and Winkler's similarity is at most; below every bound where one is null.

        Jaro's is (c/|a| + c/|b| + (c-t)/c) / 3 with c letters matched: never more than both have,
        wherever they stand, and t, half of those out of order, never less than none.
        """
        most = self._similar.get((one.key, other.key))
        if most is not None:
            return most
        texts = self._group(one).texts
        most = np.full(self._size, -1, dtype=np.float64)
        first, second = self._of(one), self._of(other)
        pairs = np.flatnonzero((first >= 0) & (second >= 0))
        first, second = first[pairs], second[pairs]
        sizes = texts.sizes[first], texts.sizes[second]
        common = texts.common_letters(first, second)
        jaro = (common / np.maximum(sizes[0], 1) + common / np.maximum(sizes[1], 1) + 1) / 3
        found = jaro + _START_WEIGHT * texts.common_start(first, second) * (1 - jaro)
        unseen = (np.minimum(*sizes) == 0) | (np.maximum(*sizes) > LETTERS_MAX)
        most[pairs] = np.where(unseen, 1, np.where(common == 0, 0, found))
        self._similar[one.key, other.key] = most
        return most

    def _edits(self, one: Column, other: Column) -> tuple[npt.NDArray[np.int32], Flags]:
        """How many edits lie between two texts at least, and where it is exactly so many.

        Of the longer text's letters those that the other lacks are never more than the edits.
        """
        found = self._apart.get((one.key, other.key))
        if found is not None:
            return found
        texts = self._group(one).texts
        first, second = self._of(one), self._of(other)
        apart = np.full(self._size, _FAR, dtype=np.int32)
        exactly = (first == second) & (first >= 0)
        apart[exactly] = 0
        pairs = np.flatnonzero((first != second) & (first >= 0) & (second >= 0))
        first, second = first[pairs], second[pairs]
        longer = np.maximum(texts.sizes[first], texts.sizes[second])
        least = longer - texts.common_letters(first, second)
        least[longer > LETTERS_MAX] = 0
        near = np.flatnonzero((least <= self._edits_max) & (longer <= SHORT_MAX))
        if len(near) >= COUNTED_MIN:
            least[near] = edits_up_to(self._edits_max, texts, first[near], second[near])
            exactly[pairs[near]] = least[near] <= self._edits_max
        apart[pairs] = least
        self._apart[one.key, other.key] = apart, exactly
        return apart, exactly
