"""A record as training takes it, and which pairs of records can match at all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

import msgspec
import numpy as np
import numpy.typing as npt

from services.linkage.training.pairs import Ints

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """`key` is unique over all sources. What it says is packed, in a quarter of a dictionary."""

    key: str
    source: str
    said: bytes

    @classmethod
    def of(cls, *, key: str, source: str, values: Mapping[str, str]) -> "TrainingRecord":
        """`values` holds field name -> raw text, none empty."""
        return cls(key=key, source=intern(source), said=_encoder.encode(values))

    @property
    def values(self) -> dict[str, str]:
        """Unpacked anew each time."""
        return _decoder.decode(self.said)

    def with_more(self, later: "TrainingRecord") -> "TrainingRecord":
        """The same record, which says this, too; later words hold."""
        return self.of(key=self.key, source=self.source, values=self.values | later.values)


class Texts:
    """What records say, one after the other, as often as it is gone through."""

    def __init__(self, records: Sequence[TrainingRecord]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        return (record.values for record in self._records)


class AllowedPairs:
    """Two records of a source declared unique are two people: such a pair is no candidate."""

    def __init__(
        self, records: Sequence[TrainingRecord], *, unique_sources: Collection[str]
    ) -> None:
        number = {source: i for i, source in enumerate(sorted(unique_sources))}
        self._unique = np.array([number.get(r.source, -1) for r in records], dtype=np.int64)

    def __call__(self, left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
        one = self._unique[left]
        result: npt.NDArray[np.bool_] = (one < 0) | (one != self._unique[right])
        return result
