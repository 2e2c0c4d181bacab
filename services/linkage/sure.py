"""Levels that need no database: what codes of values and counts of letters decide beyond doubt.

Most pairs of a block agree on a column, lack it or have nothing in common there. Of the others
Splink's SQL decides, comparison by comparison, so that a level is what that SQL says, always:
tests/property/test_sure.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.linkage.bounds import EDITS, EDITS_MAX, PairsOf, Rows
from services.linkage.comparisons import Comparison
from services.linkage.conditions import (
    Call,
    Column,
    Number,
    Operation,
    Tree,
    Unreadable,
    parse,
)
from services.linkage.letters import Numbered
from services.linkage.weights import Gammas

UNSURE = -2
"""Where the database decides: no level has this number."""


PAIRS_AT_ONCE_MAX = 50_000
"""Pairs that are looked at together: what is counted of each takes some hundred bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A comparison's conditions: null, then each level but the last."""

    null: Tree
    levels: tuple[Tree, ...]
    edits_max: int
    """The most edits that a level allows."""


class SureLevels:
    """The conditions of a model's comparisons, read once."""

    def __init__(self, comparisons: Sequence[Comparison], columns: Mapping[str, bool]) -> None:
        """Of each column whether it holds a list of words."""
        self._plans = [_plan(comparison, columns) for comparison in comparisons]
        self._groups = _groups(self._plans, columns)

    def numbered(self, records: Mapping[str, Any]) -> Mapping[str, Numbered]:
        """Of each column of these records those that it is compared with, numbered together."""
        groups = [Numbered({name: records[name] for name in group}) for group in self._groups]
        return {name: each for each in groups for name in (*each.places, *each.words)}

    def of(self, numbered: Mapping[str, Numbered], left: Rows, right: Rows) -> Gammas:
        """The level of every pair in every comparison, UNSURE where that is not told here."""
        gammas = np.full((len(left), len(self._plans)), UNSURE, dtype=np.int8)
        for start in range(0, len(left), PAIRS_AT_ONCE_MAX):
            some = slice(start, start + PAIRS_AT_ONCE_MAX)
            for number, plan in enumerate(self._plans):
                if plan is not None:
                    gammas[some, number] = _decide(plan, numbered, left[some], right[some])
        return gammas


def _plan(comparison: Comparison, columns: Mapping[str, bool]) -> _Plan | None:
    """None for conditions that are beyond what is read here."""
    try:
        null = parse(comparison.null_sql)
        levels = tuple(parse(level.sql) for level in comparison.levels[:-1])
    except Unreadable:
        return None
    plan = _Plan(null=null, levels=levels, edits_max=_edits_of(levels))
    read = {each.name for tree in (plan.null, *plan.levels) for each in _columns_of(tree)}
    return plan if read <= columns.keys() else None


def _edits_of(levels: tuple[Tree, ...]) -> int:
    asked = (
        int(node.right.value)
        for node in _nodes(levels)
        if isinstance(node, Operation)
        and isinstance(node.left, Call)
        and node.left.name == EDITS
        and isinstance(node.right, Number)
    )
    return min(max(asked, default=0), EDITS_MAX)


def _nodes(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - trees and tuples of them
    if isinstance(tree, tuple):
        for each in tree:
            yield from _nodes(each)
    elif is_dataclass(tree):
        yield tree
        for each in fields(tree):
            yield from _nodes(getattr(tree, each.name))


def _columns_of(tree: Tree) -> Iterator[Column]:
    return (node for node in _nodes(tree) if isinstance(node, Column))


def _groups(
    plans: Sequence[_Plan | None], columns: Mapping[str, bool]
) -> tuple[tuple[str, ...], ...]:
    """Columns that some condition compares with each other, together."""
    group_of: dict[str, frozenset[str]] = {}
    for plan in plans:
        for tree in () if plan is None else (plan.null, *plan.levels):
            for node in _nodes(tree):
                if isinstance(node, Column):
                    group_of.setdefault(node.name, frozenset({node.name}))
                elif isinstance(node, Call) or (
                    isinstance(node, Operation) and node.sign not in {"and", "or"}
                ):
                    names = {each.name for each in _columns_of(node)}
                    merged = frozenset().union(*(group_of.get(n, {n}) for n in names))
                    group_of |= dict.fromkeys(merged, merged)
    distinct = dict.fromkeys(group_of[name] for name in columns if name in group_of)
    return tuple(tuple(name for name in columns if name in group) for group in distinct)


def _decide(
    plan: _Plan, numbered: Mapping[str, Numbered], left: Rows, right: Rows
) -> npt.NDArray[np.int8]:
    """Level by level as CASE reads them; a pair stays open until one surely holds.

    After null and the first level, which decide most, only what is open is looked at.
    """
    found = np.full(len(left), UNSURE, dtype=np.int8)
    rows = np.arange(len(left))
    conditions = [(-1, plan.null), *enumerate(plan.levels)]
    for some in (conditions[:2], conditions[2:]):
        pairs = PairsOf(numbered, left[rows], right[rows], edits_max=plan.edits_max)
        is_open = np.ones(len(rows), dtype=np.bool_)
        for level, condition in some:
            surely, may = pairs.holds(condition)
            found[rows[is_open & surely]] = level
            is_open &= ~may
        rows = rows[is_open]
    found[rows] = len(plan.levels)
    return found
