"""Every segment over a batch of profiles at once: one Polars select, whatever their number.

A definition that is broken takes only itself down: it is named in `broken`, is in no answer, and
who keeps memberships leaves those of a broken segment as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import ProfileId, SegmentId
from services.identity.domain.profile import Profile
from services.identity.domain.shared import Shared
from services.segments.catalogue import Catalogue
from services.segments.columns import Channels, Value, asks_of_others, read_columns, unique
from services.segments.compile import COLUMN_TYPES, compile_node, leaves
from services.segments.definition import SegmentDefinition
from services.segments.predicate import parse_predicate
from services.segments.tree import Leaf, Node

_ROW = "row"  # a column of the batch's own length, so that a constant predicate is as long
_NO_CHANNELS: Channels = MappingProxyType({})
_NOBODY: Mapping[ProfileId, Shared] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Plan:
    """One segment, compiled."""

    segment: SegmentId
    expression: pl.Expr


class Evaluator:
    """Compiled once for a set of definitions; `evaluate` is then pure and may be called often."""

    def __init__(
        self,
        definitions: Iterable[SegmentDefinition],
        *,
        channels: Channels = _NO_CHANNELS,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._channels = channels
        self._broken: dict[SegmentId, str] = {}
        parsed: dict[SegmentId, Node] = {}
        for definition in definitions:
            try:
                parsed[definition.id] = parse_predicate(definition.predicate, catalogue=catalogue)
            except UsageError as error:
                self._broken[definition.id] = str(error)
        self._leaves = unique(leaf for node in parsed.values() for leaf in leaves(node))
        names = {leaf: f"c{index}" for index, leaf in enumerate(self._leaves)}
        self._names = names
        self._plans = [_Plan(each, compile_node(node, names)) for each, node in parsed.items()]

    @property
    def segments(self) -> frozenset[SegmentId]:
        """The segments that `evaluate` answers for."""
        return frozenset(plan.segment for plan in self._plans)

    @property
    def broken(self) -> Mapping[SegmentId, str]:
        """Segments that cannot be evaluated, and why."""
        return MappingProxyType(self._broken)

    @property
    def asks_of_others(self) -> bool:
        """Whether any segment depends on what people share with others."""
        return any(map(asks_of_others, self._leaves))

    def evaluate(
        self, profiles: Sequence[Profile], shared: Mapping[ProfileId, Shared] = _NOBODY
    ) -> list[frozenset[SegmentId]]:
        """The segments of each profile, in order. Unknown is not a member."""
        members: list[set[SegmentId]] = [set() for _ in profiles]
        if not profiles or not self._plans:
            return [frozenset() for _ in profiles]
        frame = self._frame(profiles, shared)
        for plan, rows in self._select(frame):
            for row in rows:
                members[row].add(plan.segment)
        return [frozenset(each) for each in members]

    def _frame(
        self, profiles: Sequence[Profile], shared: Mapping[ProfileId, Shared]
    ) -> pl.DataFrame:
        columns = [pl.int_range(len(profiles), eager=True).alias(_ROW)]
        read = read_columns(self._leaves, profiles, self._channels, shared)
        for leaf, values in zip(self._leaves, read, strict=True):
            columns.append(_series(self._names[leaf], leaf, values))
        return pl.DataFrame(columns)

    def _select(self, frame: pl.DataFrame) -> list[tuple[_Plan, Sequence[int]]]:
        try:
            return _run(frame, self._plans)
        except pl.exceptions.PolarsError:
            return self._select_one_by_one(frame)

    def _select_one_by_one(self, frame: pl.DataFrame) -> list[tuple[_Plan, Sequence[int]]]:
        """Finds the plan that Polars refuses, and leaves it out from now on."""
        found: list[tuple[_Plan, Sequence[int]]] = []
        for plan in self._plans:
            try:
                found.extend(_run(frame, [plan]))
            except pl.exceptions.PolarsError as error:
                self._broken[plan.segment] = f"cannot be evaluated: {type(error).__name__}"
        self._plans = [plan for plan in self._plans if plan.segment not in self._broken]
        return found


def _series(name: str, leaf: Leaf, values: list[Value]) -> pl.Series:
    return pl.Series(name, values, dtype=COLUMN_TYPES[leaf.type], strict=True)


def _run(frame: pl.DataFrame, plans: Sequence[_Plan]) -> list[tuple[_Plan, Sequence[int]]]:
    # Where a column is null throughout, Polars may answer with one row for all: `and` stretches it.
    every = pl.col(_ROW).is_not_null()
    answer = frame.select(
        pl.col(_ROW),
        *(
            (every & plan.expression.fill_null(value=False)).alias(f"s{i}")
            for i, plan in enumerate(plans)
        ),
    )
    return [
        (plan, answer[f"s{i}"].to_numpy().nonzero()[0].tolist()) for i, plan in enumerate(plans)
    ]
