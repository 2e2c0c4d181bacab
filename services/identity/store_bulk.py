"""What the set-based fill of an empty home asks of its store: all of it, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from numpy import int64
from numpy.typing import NDArray

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.ladder import Place
from services.identity.domain.record import RecordState
from services.identity.store import StoredEdge


class BaseRecord(NamedTuple):
    """A record as the set-based fill reads it: what comparing needs, without its history."""

    number: int
    key: RecordKey
    features: bytes
    state: RecordState
    keys: Sequence[int]


class BulkTransaction(Protocol):
    """The one transaction of the set-based fill of an empty home."""

    def base_records(self) -> Iterator[BaseRecord]:
        """All records that are not empty, in any order."""
        ...

    def all_keys(self) -> tuple[NDArray[int64], NDArray[int64]]:
        """Every (key, record number), in any order."""
        ...

    def replace_base(
        self,
        *,
        edges: Sequence[StoredEdge],
        components: Mapping[int, Place],
        generic: Sequence[int],
        at: Micros,
    ) -> None:
        """Edges, components and generic keys of all; instead of every mark, one a component."""
        ...
