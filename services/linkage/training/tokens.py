"""The tokens of all training records, by the code that gives the stream its keys."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from services.linkage.columns import FeatureColumns, code_texts
from services.linkage.features import Features, FeatureSpec
from services.linkage.keys import ReadToken, token_readers
from services.linkage.training.candidate_keys import TokenColumn
from services.linkage.training.pairs import Coded, Ints

_FILLED_MIN = 0.005  # share of records
_FILLED_ENOUGH = 20  # records: a token this rare still finds a few matches in a large set


def training_tokens(features: FeatureColumns, spec: FeatureSpec) -> dict[str, TokenColumn]:
    """Every token that enough records have, and not all of them with one value."""
    readers = token_readers(spec)
    values = [_Values(read) for _, read in readers]
    for start, some in features.batches():
        for each in values:
            each.add(start, some)
    enough = min(_FILLED_MIN * len(features), _FILLED_ENOUGH)
    result = {}
    rows_met: list[Ints] = []
    for token, _ in readers:
        coded = values.pop(0).coded()
        coded = replace(coded, rows=_held_once(coded.rows, rows_met))
        distinguishes = len(coded.codes) > 0 and int(coded.codes.max()) > 0
        if distinguishes and len(coded.rows) > enough:
            result[token.name] = TokenColumn(token=token, coded=coded)
    return result


def _held_once(rows: Ints, met: list[Ints]) -> Ints:
    """Most tokens of a field are there for the same records."""
    for each in met:
        if np.array_equal(each, rows):
            return each
    met.append(rows)
    return rows


class _Values:
    """The values of one token so far, as text; a row may have several."""

    def __init__(self, read: ReadToken) -> None:
        self._read = read
        self._rows: list[Ints] = []
        self._texts: list[Any] = []

    def add(self, start: int, some: list[Features]) -> None:
        found = [self._read(features) for features in some]
        rows = [row for row, values in enumerate(found, start) for _ in values]
        self._rows.append(np.array(rows, dtype=np.int64))
        self._texts.append(pa.array([v for values in found for v in values], pa.string()))

    def coded(self) -> Coded:
        """The values by number, in the order of their first row."""
        codes, _ = code_texts(pa.chunked_array(self._texts, pa.string()))
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *self._rows])
        return Coded(rows=rows, codes=codes.astype(np.int32))
