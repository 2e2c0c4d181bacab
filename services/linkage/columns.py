"""Derived columns of many records, held by column: a tenth of what dictionaries would take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.linkage.arrow import leave_pandas_out
from services.linkage.features import Features

_RECORDS_A_CHUNK = 10_000
Codes = npt.NDArray[np.int64]


def to_arrow(features: Sequence[Features], columns: Mapping[str, bool]) -> pa.Table:
    """The records' columns by row number; of each column whether it holds a list of words."""
    rows = pa.array(features, pa.struct(_fields(columns)))
    row_numbers = pa.array(np.arange(len(features), dtype=np.int64))
    return pa.table([*rows.flatten(), row_numbers], names=[*columns, "row"])


class FeatureColumns:
    """The derived columns of records in their order. Made once, then only read."""

    def __init__(self, features: Iterable[Features], columns: Mapping[str, bool]) -> None:
        leave_pandas_out()
        left = iter(features)
        kind = pa.struct(_fields(columns))
        chunks: list[list[Any]] = []
        while some := list(islice(left, _RECORDS_A_CHUNK)):
            chunks.append(pa.array(some, kind).flatten())
        self._columns = {
            name: pa.chunked_array([chunk[place] for chunk in chunks], _type(is_list=is_list))
            for place, (name, is_list) in enumerate(columns.items())
        }
        self._lists = frozenset(name for name, is_list in columns.items() if is_list)
        self._length = sum(len(chunk[0]) for chunk in chunks if chunk)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Features]:
        for _, some in self.batches():
            yield from some

    def batches(self) -> Iterator[tuple[int, list[Features]]]:
        """The records as dictionaries, some at a time, each time with the row of the first."""
        names = [*self._columns]
        for start in range(0, self._length, _RECORDS_A_CHUNK):
            size = min(_RECORDS_A_CHUNK, self._length - start)
            texts = [self._columns[name].slice(start, size).to_pylist() for name in names]
            rows = (zip(names, values, strict=True) for values in zip(*texts, strict=True))
            yield start, [{n: value for n, value in row if value is not None} for row in rows]

    def known(self, name: str) -> int:
        """How many records have a value in this column."""
        column = self._columns.get(name)
        return 0 if column is None else self._length - int(column.null_count)

    def table(self, names: Sequence[str]) -> pa.Table:
        """Some of the columns, by row number."""
        numbers = pa.array(np.arange(self._length, dtype=np.int64))
        return pa.table([*(self._columns[name] for name in names), numbers], names=[*names, "row"])

    def codes(self, name: str) -> tuple[Codes, list[str]]:
        """A text column as numbers: of each record its value's place in the list, -1 for null.

        Values stand in order of first appearance.
        """
        column = self._columns.get(name)
        if column is None or name in self._lists or not self._length:
            return np.full(self._length, -1, dtype=np.int64), []
        return code_texts(column)

    def counts(self, name: str, *, count_min: int) -> dict[str, int]:
        """The values of a text column that so many records have, and how many have each."""
        column = self._columns.get(name)
        if column is None or name in self._lists:
            return {}
        values, counts = column.value_counts().flatten()
        many = pa.array(counts.to_numpy() >= count_min)
        found = zip(values.filter(many).to_pylist(), counts.filter(many).to_pylist(), strict=True)
        return {value: count for value, count in found if value is not None}


def code_texts(column: Any) -> tuple[Codes, list[str]]:  # noqa: ANN401 - pyarrow has no types
    """The same for a chunked array of text."""
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    encoded = whole.dictionary_encode()
    codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, encoded.dictionary.to_pylist()


def _fields(columns: Mapping[str, bool]) -> list[tuple[str, Any]]:
    return [(name, _type(is_list=is_list)) for name, is_list in columns.items()]


def _type(*, is_list: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    return pa.list_(pa.string()) if is_list else pa.string()
