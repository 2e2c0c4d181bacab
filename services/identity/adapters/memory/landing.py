"""What landing reads and writes, in memory: records, events, dedupe, keys, marks, offsets."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from services.identity.adapters.memory.tables import Journal, Tables
from services.identity.domain.accounts import AccountId, mark_of
from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.ports import Position
from services.identity.store import (
    DedupeEntry,
    LostPartition,
    Member,
    RestartBatch,
    StoredEvent,
    StoredRecord,
)
from services.identity.store_accounts import AccountRow
from services.identity.store_marks import Mark, MarkKind


class Counters:
    """Surrogates. Like sequences of a database they are never given twice, rolled back or not."""

    def __init__(self) -> None:
        self.records: Iterator[int] = itertools.count(1)
        self.marks: Iterator[int] = itertools.count(1)
        self.letters: Iterator[int] = itertools.count(1)
        self.stays: Iterator[int] = itertools.count(1)
        self.decisions: Iterator[int] = itertools.count(1)


class LandingTables:
    """The landing half of a transaction; see services/identity/store.py for what each one does.

    Nothing is locked: the store gives one transaction at a time.
    """

    def __init__(self, tables: Tables, counters: Counters, journal: Journal) -> None:
        self._tables = tables
        self._counters = counters
        self._journal = journal

    def lock_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, StoredRecord]:
        numbers = self._tables.numbers
        return {key: self._tables.records[numbers[key]] for key in keys if key in numbers}

    def lock_record_numbers(
        self, numbers: Sequence[int], *, waits: bool = True
    ) -> dict[int, StoredRecord]:
        del waits  # one transaction at a time: there is nobody to wait for
        records = self._tables.records
        return {number: records[number] for number in numbers if number in records}

    def new_record_numbers(self, count: int) -> Sequence[int]:
        return list(itertools.islice(self._counters.records, count))

    def add_dedupe(self, entries: Sequence[DedupeEntry]) -> dict[UUID, DedupeEntry]:
        before: dict[UUID, DedupeEntry] = {}
        for entry in entries:
            known = self._tables.dedupe.get(entry.event_id)
            if known is None:
                self._journal.add(self._tables.dedupe, entry.event_id, entry)
            else:
                before[entry.event_id] = known
        return before

    def update_dedupe(self, entries: Sequence[DedupeEntry]) -> None:
        for entry in entries:
            if entry.event_id in self._tables.dedupe:
                self._journal.put(self._tables.dedupe, entry.event_id, entry)

    def events_of(self, records: Sequence[int]) -> Sequence[StoredEvent]:
        events = self._tables.events
        return [
            event
            for record in sorted(set(records))
            for _, event in sorted(events.get(record, {}).items())
        ]

    def add_events(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            own = self._tables.events.setdefault(event.record, {})
            self._journal.add(own, (event.occurred_at, event.event_id), event)

    def remove_events(self, events: Sequence[tuple[int, Micros, UUID]]) -> None:
        for record, occurred_at, event_id in events:
            self._journal.drop(self._tables.events.get(record, {}), (occurred_at, event_id))

    def add_records(self, records: Sequence[StoredRecord]) -> None:
        for record in records:
            if record.key in self._tables.numbers:
                raise RestartBatch("another worker added one of these records")
            self._journal.add(self._tables.records, record.number, record)
            self._journal.add(self._tables.numbers, record.key, record.number)
            self._place(Member(record.number, record.number, None))

    def _place(self, member: Member) -> None:
        """Write a membership, and the indexes by component and by profile with it."""
        known = self._tables.members.get(member.record)
        if known is not None and known.profile is not None:
            self._journal.drop(self._tables.residents[known.profile], member.record)
        if member.profile is not None:
            residents = self._tables.residents.setdefault(member.profile, {})
            self._journal.put(residents, member.record, None)
        if known is not None and known.component != member.component:
            self._journal.drop(self._tables.components[known.component], member.record)
        component = self._tables.components.setdefault(member.component, {})
        self._journal.put(component, member.record, None)
        self._journal.put(self._tables.members, member.record, member)

    def update_records(self, records: Sequence[StoredRecord]) -> None:
        for record in records:
            if record.number in self._tables.records:
                self._journal.put(self._tables.records, record.number, record)

    def update_states(self, records: Sequence[StoredRecord]) -> None:
        self.update_records(records)

    def add_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        for key, record in keys:
            self._journal.add(self._tables.holders.setdefault(key, {}), record, None)

    def remove_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        for key, record in keys:
            self._journal.drop(self._tables.holders.get(key, {}), record)

    def add_account_rows(self, rows: Sequence[AccountRow]) -> None:
        for row in rows:
            self._journal.put(self._tables.accounts.setdefault(row.account, {}), row, None)

    def remove_account_rows(self, rows: Sequence[AccountRow]) -> None:
        for row in rows:
            self._journal.drop(self._tables.accounts.get(row.account, {}), row)

    def account_rows(
        self, accounts: Sequence[AccountId], *, rows_max: int
    ) -> Mapping[AccountId, Sequence[AccountRow]]:
        found = {each: sorted(self._tables.accounts.get(each, {})) for each in accounts}
        return {each: rows[: rows_max + 1] for each, rows in found.items() if rows}

    def accounts_at(self, marked: Sequence[int]) -> Sequence[AccountId]:
        wanted, accounts = set(marked), self._tables.accounts
        return sorted(each for each, own in accounts.items() if own and mark_of(each) in wanted)

    def crowds_among(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        return frozenset(each for each in accounts if each in self._tables.crowds)

    def lock_crowds(self, accounts: Sequence[AccountId]) -> frozenset[AccountId]:
        return self.crowds_among(accounts)

    def set_crowds(self, accounts: Mapping[AccountId, bool]) -> None:
        for account, is_crowd in accounts.items():
            if is_crowd:
                self._journal.put(self._tables.crowds, account, None)
            else:
                self._journal.drop(self._tables.crowds, account)

    def mark_account(self, account: AccountId, since: Micros) -> None:
        records = sorted({row.record for row in self._tables.accounts.get(account, {})})
        self.mark((MarkKind.TRAITS, record, since) for record in records)

    def records_in(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, Sequence[int]]:
        residents = self._tables.residents
        return {each: sorted(residents[each]) for each in profiles if residents.get(each)}

    def mark(self, marks: Iterable[tuple[MarkKind, int, Micros]]) -> None:
        for kind, subject, since in marks:
            seq = next(self._counters.marks)
            self._journal.add(self._tables.marks, seq, Mark(seq, kind, subject, since))

    def next_offsets(self, group: str) -> Mapping[tuple[str, int], int]:
        return {
            (topic, index): offset
            for (name, topic, index), offset in self._tables.offsets.items()
            if name == group
        }

    def advance_offsets(self, group: str, moves: Sequence[tuple[int, Position]]) -> None:
        for expected, position in moves:
            place = position.partition
            key = (group, place.topic, place.index)
            if self._tables.offsets.get(key, 0) != expected:
                raise LostPartition("an offset was moved by another worker")
            self._journal.put(self._tables.offsets, key, position.next_offset)

    def holders(self, limits: Mapping[int, int]) -> Mapping[int, Sequence[int]]:
        held = ((key, most, self._tables.holders.get(key)) for key, most in limits.items())
        return {key: heapq.nsmallest(most + 1, records) for key, most, records in held if records}

    def holders_of(self, key: int) -> Sequence[int]:
        return list(self._tables.holders.get(key, {}))
