"""Pairs of records to match weights: a few at a time in the stream, millions in training.

Both scorers ask Splink's own SQL for the level of every comparison and `weights.py` for what it is
worth, so that they agree to the last bit. Neither writes anything outside its memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.identity.domain.weights import UNITS_PER_BIT, Units
from services.linkage.arrow import leave_pandas_out
from services.linkage.asked import Levels
from services.linkage.columns import Codes, FeatureColumns, to_arrow
from services.linkage.comparisons import Comparison
from services.linkage.features import Features, FeatureSpec
from services.linkage.heap import give_back
from services.linkage.model import LinkageModel
from services.linkage.splink_sql import (
    columns_read,
    joined_levels_sql,
    level_cases,
)
from services.linkage.sure import UNSURE, SureLevels
from services.linkage.term_frequencies import TermFrequencies, term_hashes
from services.linkage.weights import Gammas, Rows, Weights, WeightTable

PAIRS_OF_QUERY = (60_000, 2_000_000)
"""Least and most pairs of one query of a FeatureTable: more would not fit beside the table."""
_PAIRS_PER_RECORD = 0.3  # in one query: each builds its join anew, of more the result has no room

SURE_PAIRS_MIN = 8_000
"""Fewer are all asked about in one statement: a look at their letters takes as long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairWeights:
    """Weights of n pairs by k comparisons in units of 2^-20 bits, 0 where null; and where not."""

    weights: Weights
    present: npt.NDArray[np.bool_]


def totals(pairs: PairWeights, model: LinkageModel) -> Units:
    """The match weight of each pair: prior and evidence, less what relatives would show of it."""
    evidence: Units = pairs.weights.sum(axis=1, dtype=np.int64)
    return model.prior_units + evidence - model.relatives.taken_off(pairs.weights)


def _pairs_to_arrow(left: Rows, right: Rows) -> pa.Table:
    numbers = np.arange(len(left), dtype=np.int64)
    return pa.table({"pair": numbers, "left_row": left, "right_row": right})


def _to_gammas(result: Mapping[str, Any], comparisons: Sequence[Comparison]) -> Gammas:
    """Splink counts levels upwards from 0, the last one; a Gamma counts them as they are read."""
    columns = list(result.values())
    pairs = np.asarray(columns[0])
    gammas = np.empty((len(pairs), len(comparisons)), dtype=np.int8)
    for number, comparison in enumerate(comparisons):
        found = np.asarray(columns[number + 1]).astype(np.int8)
        last = len(comparison.levels) - 1
        gammas[pairs, number] = np.where(found < 0, -1, last - found)
    return gammas


def _connect(*, threads: int) -> duckdb.DuckDBPyConnection:
    """In memory. Without its progress bar, which would stand in what a command prints."""
    leave_pandas_out()
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("set enable_progress_bar = false")
    return connection


class FeatureTable:
    """All records of a training run in one table. Not for two threads at once."""

    def __init__(
        self,
        features: Sequence[Features] | FeatureColumns,
        spec: FeatureSpec,
        comparisons: Sequence[Comparison],
    ) -> None:
        if not isinstance(features, FeatureColumns):
            features = FeatureColumns(features, spec.columns)
        self._comparisons = tuple(comparisons)
        self._features = features
        cases = level_cases(self._comparisons)
        used = columns_read(cases, spec.columns)
        self._sql = joined_levels_sql(cases, used, records="record", pairs="pair_list")
        self._records = features.table(used)
        self._hashed: dict[str, tuple[npt.NDArray[np.int32], Codes]] = {}
        self._weighed: tuple[Sequence[Comparison], Mapping[str, TermFrequencies], WeightTable] = (
            (),
            {},
            WeightTable((), {}),
        )

    def __len__(self) -> int:
        return len(self._features)

    def gammas(self, left: Rows, right: Rows) -> Gammas:
        """The level of every pair of row numbers in every comparison.

        By a connection of its own: one keeps what its largest query took, and that is 200 MB.
        """
        gammas = np.empty((len(left), len(self._comparisons)), dtype=np.int8)
        least, most = PAIRS_OF_QUERY
        at_once = min(max(least, int(_PAIRS_PER_RECORD * len(self))), most)
        give_back()
        with _connect(threads=2) as connection:
            connection.register("record", self._records)
            for start in range(0, len(left), at_once):
                some = slice(start, start + at_once)
                connection.register("pair_list", _pairs_to_arrow(left[some], right[some]))
                found = connection.execute(self._sql).fetchnumpy()
                connection.unregister("pair_list")
                gammas[some] = _to_gammas(found, self._comparisons)
        return gammas

    def codes(self, column: str) -> tuple[Codes, list[str]]:
        """A text column as numbers: of each record its value's place in the list, -1 for null.

        Values stand in order of first appearance.
        """
        return self._features.codes(column)

    def weights(
        self,
        left: Rows,
        right: Rows,
        gammas: Gammas,
        *,
        comparisons: Sequence[Comparison],
        term_frequencies: Mapping[str, TermFrequencies],
    ) -> PairWeights:
        """Integer weights of pairs whose levels are known, under these m, u and frequencies."""
        before, terms, table = self._weighed
        if before is not comparisons or terms is not term_frequencies:
            table = WeightTable(comparisons, term_frequencies)
            self._weighed = (comparisons, term_frequencies, table)
        adjusters = table.adjusters()

        def adjustments(column: str, rows: Rows) -> Weights:
            codes, hashes = self._hashes(column)
            return adjusters[column].of_hashes(hashes[codes[rows]])

        weights = table.weigh(gammas, left, right, adjustments=adjustments)
        return PairWeights(weights=weights, present=gammas >= 0)

    def _hashes(self, column: str) -> tuple[npt.NDArray[np.int32], Codes]:
        """As `codes`, with the values' hashes: a digest each, so they are made once."""
        if column not in self._hashed:
            codes, values = self.codes(column)
            self._hashed[column] = (codes.astype(np.int32), term_hashes(values))
        return self._hashed[column]

    def parts(
        self,
        left: Rows,
        right: Rows,
        gammas: Gammas,
        *,
        comparisons: Sequence[Comparison],
        term_frequencies: Mapping[str, TermFrequencies],
    ) -> npt.NDArray[np.float64]:
        """The same weights in bits."""
        pairs = self.weights(
            left, right, gammas, comparisons=comparisons, term_frequencies=term_frequencies
        )
        bits: npt.NDArray[np.float64] = pairs.weights / UNITS_PER_BIT
        return bits


class PairScorer:
    """Scores the pairs of one batch, on one thread.

    One statement, planned once: planning takes ten times longer than a small batch. It reads
    Arrow's columns where they stand, so that nothing is inserted and nothing joined. Of many pairs
    it is asked only about what `sure.py` leaves open, a comparison at a time.
    """

    def __init__(self, model: LinkageModel) -> None:
        self._model = model
        self._weights = WeightTable(model.comparisons, model.term_frequencies)
        self._adjusters = self._weights.adjusters()
        self._connection = _connect(threads=1)
        columns = model.spec.columns
        cases = level_cases(model.comparisons)
        self._all = Levels(self._connection, "levels", cases, columns)
        self._each = [
            Levels(self._connection, f"levels_{number}", [case], columns)
            for number, case in enumerate(cases)
        ]
        self._sure = SureLevels(model.comparisons, self._all.columns)

    @property
    def model(self) -> LinkageModel:
        return self._model

    def close(self) -> None:
        self._connection.close()

    def score(self, features: Sequence[Features], left: Rows, right: Rows) -> PairWeights:
        """Weights of pairs of places in `features`; their order and company change nothing."""
        gammas = self.gammas(features, left, right)

        def adjustments(column: str, rows: Rows) -> Weights:
            values = (features[row].get(column) for row in rows.tolist())
            texts = [value if isinstance(value, str) else None for value in values]
            return self._adjusters[column].adjustments(texts)

        weights = self._weights.weigh(gammas, left, right, adjustments=adjustments)
        return PairWeights(weights=weights, present=gammas >= 0)

    def gammas(self, features: Sequence[Features], left: Rows, right: Rows) -> Gammas:
        """The level of every pair in every comparison."""
        comparisons = self._model.comparisons
        if not len(left):
            return np.empty((0, len(comparisons)), dtype=np.int8)
        records = to_arrow(features, self._all.columns)
        if len(left) < SURE_PAIRS_MIN:
            return _to_gammas(self._all.ask(records, left, right), comparisons)
        columns = {name: records[name].combine_chunks() for name in self._all.columns}
        gammas = self._sure.of(self._sure.numbered(columns), left, right)
        for number, comparison in enumerate(comparisons):
            pairs = np.flatnonzero(gammas[:, number] == UNSURE)
            if len(pairs):
                found = self._each[number].ask(records, left[pairs], right[pairs])
                gammas[pairs, number] = _to_gammas(found, [comparison])[:, 0]
        return gammas
