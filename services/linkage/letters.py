"""The texts of some records in a form that numpy compares: distinct ones by number, their letters.

Columns that are compared with each other share one numbering: equal numbers, equal texts.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int32]
"""Of each record or pair the number of a text, -1 for null."""

LETTERS_MAX = 60
"""Of longer texts no letters are counted: four counts must fit into a byte."""
START = 4  # letters of a text's start that Winkler looks at

_KINDS = 32  # letters are told apart by their last five bits: a to z, and 0 to 9 among themselves
_BYTES_OF_WORD = 8
_SUM = np.uint64(0x0101010101010101)  # times a word: its bytes added up in the highest
_HIGHEST = np.uint64(56)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads numbers over bits
_ONE = np.uint64(1)
_ASCII = 128


class Texts:
    """Distinct texts by number. What is known of their letters is worked out when first asked."""

    def __init__(self, distinct: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        _, offsets, raw = distinct.buffers()
        self.offsets = np.frombuffer(offsets, dtype=np.int32)[: len(distinct) + 1]
        self.sizes = np.diff(self.offsets)
        size = int(self.offsets[-1]) if len(self.offsets) else 0
        self.bytes_ = np.zeros(size + START, dtype=np.uint8)  # a start may reach beyond the last
        if size:
            self.bytes_[:size] = np.frombuffer(raw, dtype=np.uint8, count=size)

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def _of_byte(self) -> npt.NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def are_ascii(self) -> npt.NDArray[np.bool_]:
        result = np.ones(len(self), dtype=np.bool_)
        other = np.flatnonzero(self.bytes_[: len(self._of_byte)] >= _ASCII)
        result[self._of_byte[other]] = False
        return result

    @cached_property
    def counts(self) -> npt.NDArray[np.uint64]:
        """Four words a text, a byte a kind of letter."""
        kinds = self.bytes_[: len(self._of_byte)] & (_KINDS - 1)
        found = np.bincount(self._of_byte * _KINDS + kinds, minlength=len(self) * _KINDS)
        words = found.astype(np.uint8).view(np.uint64)
        return words.reshape(len(self), _KINDS // _BYTES_OF_WORD)

    @cached_property
    def starts(self) -> npt.NDArray[np.uint32]:
        """The first four bytes of each text as one number, the first lowest."""
        starts = np.zeros((len(self), START), dtype=np.uint8)
        for place in range(START):
            here = self.bytes_[self.offsets[:-1] + place]
            starts[:, place] = np.where(self.sizes > place, here, 0)
        return starts.view("<u4").reshape(len(self))

    def common_letters(self, one: Places, other: Places) -> npt.NDArray[np.int32]:
        """How many letters two texts of up to LETTERS_MAX have in common at most."""
        both = np.minimum(self.counts[one].view(np.uint8), self.counts[other].view(np.uint8))
        words = both.view(np.uint64)
        total = words[:, 0] + words[:, 1] + words[:, 2] + words[:, 3]
        return ((total * _SUM) >> _HIGHEST).astype(np.int32)

    def common_start(self, one: Places, other: Places) -> npt.NDArray[np.uint8]:
        """How many of their first four letters are equal at most."""
        differing = self.starts[one] ^ self.starts[other]
        equal = np.zeros(len(one), dtype=np.uint8)
        for place in range(1, START + 1):
            equal += (differing & np.uint32((1 << 8 * place) - 1)) == 0
        return equal


class Words:
    """Lists of words: of each record a bit for every word, and how many words share a bit."""

    def __init__(self, column: Any, places: Places) -> None:  # noqa: ANN401 - pyarrow has no types
        """`places` are those of the words of all lists, one after another."""
        self.are_null = column.is_null().to_numpy(zero_copy_only=False)
        sizes = np.where(self.are_null, 0, np.diff(column.offsets.to_numpy()))
        self.bits = np.zeros(len(column), dtype=np.uint64)
        filled = np.flatnonzero(sizes)
        if len(filled):
            starts = (np.cumsum(sizes) - sizes)[filled]
            self.bits[filled] = np.bitwise_or.reduceat(bits_of(places), starts)
        self.hidden = sizes - np.bitwise_count(self.bits)


def bits_of(places: Places) -> npt.NDArray[np.uint64]:
    """Of each text one bit of a word; none of a null."""
    spread = (places.astype(np.uint64) * _SPREAD) >> np.uint64(58)
    return np.where(places < 0, np.uint64(0), _ONE << spread)


class Numbered:
    """Some columns of records, numbered together."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        flat = {
            name: column.flatten() if pa.types.is_list(column.type) else column
            for name, column in columns.items()
        }
        whole = pa.concat_arrays(list(flat.values()))
        encoded = whole.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.texts = Texts(encoded.dictionary)
        self.places: dict[str, Places] = {}
        self.words: dict[str, Words] = {}
        start = 0
        for name, values in flat.items():
            own = codes[start : start + len(values)]
            start += len(values)
            if pa.types.is_list(columns[name].type):
                self.words[name] = Words(columns[name], own)
            else:
                self.places[name] = own
