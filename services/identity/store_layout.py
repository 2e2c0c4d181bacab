"""What cutting a large set anew asks of the store: the set whole, by column, and without states."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.identity.domain.connected import Numbers
from services.identity.domain.ids import Micros
from services.identity.domain.large_ladder import Links


class Places(NamedTuple):
    """Where records stand: their components, and how often each was cut from a larger one."""

    records: Numbers
    components: Numbers
    steps: Numbers


class LayoutTransaction(Protocol):
    """The part of a transaction that is about sets too large for a batch."""

    def lay_out_later(self, records: Sequence[int], *, at: Micros) -> None:
        """What is connected with these is to be cut anew; until then nothing is clean."""
        ...

    def take_layouts(self, records_max: int) -> Sequence[int]:
        """Records that wait for that, locked; those that another worker holds are left out."""
        ...

    def clear_layouts(self, records: Sequence[int]) -> None: ...

    def places_around(self, records: Sequence[int]) -> Places:
        """All that edges lead to from these records, in whole components, sorted by number."""
        ...

    def places_in(self, components: Sequence[int]) -> Places:
        """All that stand in these components, sorted by number."""
        ...

    def links_among(self, records: Numbers) -> Links:
        """The edges of records that have none to others, without what these are made of.

        Raises RestartBatch where one leads to another record: it was not there a moment ago.
        """
        ...

    def put_places(self, places: Places) -> None:
        """Where these records stand from now on; their profiles stay."""
        ...
