"""A record as training takes it, and which pairs of records can match at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.linkage.training.pairs import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """`key` is unique over all sources; `values` holds field name -> raw text, none empty."""

    key: str
    source: str
    values: Mapping[str, str]


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
