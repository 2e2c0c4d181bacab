"""The derived state of the memory store read whole, in the order that PostgreSQL gives it."""

from collections.abc import Collection, Iterator, Sequence

from services.identity.adapters.memory.tables import Tables
from services.identity.domain.accounts import AccountId
from services.identity.domain.ids import ProfileId, RecordKey, SegmentId, profile_id_of
from services.identity.domain.record import RecordState


class MemorySnapshot:
    """Ordered by the id a record gives its profile, so that surrogates cannot show."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def records(self) -> Iterator[tuple[RecordKey, RecordState, ProfileId | None]]:
        tables = self._tables
        for key in sorted(tables.numbers, key=profile_id_of):
            record = tables.records[tables.numbers[key]]
            if not record.state.is_empty:
                yield key, record.state, tables.members[record.number].profile

    def record_count(self, sources: Collection[str]) -> int:
        return sum(key.source in sources for key in self._tables.numbers)

    def first_records(self, sources: Collection[str], *, records_max: int) -> Sequence[int]:
        found = sorted(
            (key for key in self._tables.numbers if key.source in sources), key=profile_id_of
        )
        return [self._tables.numbers[key] for key in found[:records_max]]

    def edges(self) -> Iterator[tuple[RecordKey, RecordKey, int]]:
        records = self._tables.records
        found: list[tuple[RecordKey, RecordKey, int]] = []
        for row in self._tables.edges.values():
            for edge in row.values():
                low, high = sorted((records[edge.a].key, records[edge.b].key))
                found.append((low, high, edge.weight))
        yield from sorted(found, key=lambda edge: sorted(map(profile_id_of, edge[:2])))

    def profiles(self) -> Iterator[tuple[ProfileId, bytes]]:
        for each, profile in sorted(self._tables.profiles.items()):
            if profile.document is not None:
                yield each, profile.document

    def memberships(self) -> Iterator[tuple[SegmentId, ProfileId]]:
        yield from sorted(
            (segment, profile) for profile, stays in self._tables.stays.items() for segment in stays
        )

    def accounts(self) -> Iterator[tuple[AccountId, RecordKey, str]]:
        records = self._tables.records
        rows = (row for own in self._tables.accounts.values() for row in own)
        for row in sorted(rows, key=lambda r: (r.account, profile_id_of(records[r.record].key), r)):
            yield row.account, records[row.record].key, row.role

    def is_clean(self) -> bool:
        tables = self._tables
        return not tables.marks and not tables.aside and not tables.layouts
