"""What resolving reads and writes, in memory: marks, components, profiles, segments, outbox."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np

from services.identity.adapters.memory.landing import Counters
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.steward import StewardTables
from services.identity.adapters.memory.tables import Journal, Progress, Tables
from services.identity.domain.connected import Numbers
from services.identity.domain.identifiers import GENERIC_HOLDERS_MAX
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId, profile_id_of
from services.identity.domain.large_ladder import Links
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage
from services.identity.store import (
    ActiveVersions,
    Comparable,
    Interval,
    Member,
    RestartBatch,
    ReviewItem,
    StoredEdge,
    StoredProfile,
    StoredRecord,
)
from services.identity.store_layout import Places
from services.identity.store_marks import OF_RECORDS, Half, Mark


class MemoryTransaction(StewardTables):
    """Everything one batch may do; see services/identity/store.py."""

    def __init__(
        self, tables: Tables, counters: Counters, journal: Journal, sources: MemorySources
    ) -> None:
        super().__init__(tables, counters, journal)
        self._sources = sources

    @contextmanager
    def attempt(self) -> Iterator[None]:
        begun = len(self._journal)
        try:
            yield
        except BaseException:
            self._journal.undo(begun)
            raise

    def take_marks(self, marks_max: int, *, half: Half | None = None) -> Sequence[Mark]:
        marks = self._tables.marks.values()
        within = marks if half is None else [m for m in marks if self._component(m) & 1 == half]
        return heapq.nsmallest(marks_max, within, key=_by_seq)

    def _component(self, mark: Mark) -> int:
        member = self._tables.members.get(mark.subject)
        return mark.subject if member is None else member.component

    def take_marks_near(self, records: Sequence[int], *, marks_max: int) -> Sequence[Mark]:
        tables = self._tables
        components = {tables.members[n].component for n in records if n in tables.members}
        near = {n for component in components for n in tables.components[component]}
        for number in records:
            for key in tables.records[number].keys if number in tables.records else ():
                if key not in tables.generic:
                    near.update(islice(tables.holders[key], GENERIC_HOLDERS_MAX))
        found = (m for m in tables.marks.values() if m.kind in OF_RECORDS and m.subject in near)
        return heapq.nsmallest(marks_max, found, key=_by_seq)

    def delete_marks(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            self._journal.drop(self._tables.marks, mark.seq)

    def generic_among(self, keys: Sequence[int]) -> frozenset[int]:
        return frozenset(key for key in keys if key in self._tables.generic)

    def generic_keys(self) -> frozenset[int]:
        return frozenset(self._tables.generic)

    def lock_generic(self, keys: Sequence[int]) -> frozenset[int]:
        return self.generic_among(keys)

    def set_generic(self, keys: Mapping[int, bool], *, at: Micros) -> None:
        for key, is_generic in keys.items():
            if not is_generic:
                self._journal.drop(self._tables.generic, key)
            elif key not in self._tables.generic:
                self._journal.add(self._tables.generic, key, at)

    def records(self, numbers: Sequence[int]) -> dict[int, StoredRecord]:
        return self.lock_record_numbers(numbers)

    def comparables(self, numbers: Sequence[int]) -> dict[int, Comparable]:
        return {
            number: Comparable(number, record.key, record.features, record.version)
            for number, record in self.records(numbers).items()
        }

    def versions(self, numbers: Sequence[int]) -> Mapping[int, int]:
        return {number: record.version for number, record in self.records(numbers).items()}

    def memberships(self, records: Sequence[int]) -> dict[int, Member]:
        members = self._tables.members
        return {record: members[record] for record in records if record in members}

    def records_of(self, profile: ProfileId) -> Sequence[int]:
        return sorted(n for n, member in self._tables.members.items() if member.profile == profile)

    def find_records(self, keys: Sequence[RecordKey]) -> dict[RecordKey, int]:
        return {key: self._tables.numbers[key] for key in keys if key in self._tables.numbers}

    def record_behind(self, profile: ProfileId) -> int | None:
        numbers = self._tables.numbers.items()
        return next((number for key, number in numbers if profile_id_of(key) == profile), None)

    def set_aside(self, components: Sequence[int], *, at: Micros) -> None:
        for component in components:
            if component not in self._tables.aside:
                self._journal.add(self._tables.aside, component, at)

    def clear_set_aside(self, components: Sequence[int]) -> None:
        for component in components:
            if component in self._tables.aside:
                self._journal.drop(self._tables.aside, component)

    def take_set_aside(self) -> int | None:
        return min(self._tables.aside, default=None)

    def lay_out_later(self, records: Sequence[int], *, at: Micros) -> None:
        for record in records:
            if record not in self._tables.layouts:
                self._journal.add(self._tables.layouts, record, at)

    def take_layouts(self, records_max: int) -> Sequence[int]:
        return sorted(self._tables.layouts)[:records_max]

    def clear_layouts(self, records: Sequence[int]) -> None:
        for record in records:
            self._journal.drop(self._tables.layouts, record)

    def places_around(self, records: Sequence[int]) -> Places:
        tables = self._tables
        seen: set[int] = set()
        ahead = set(records)
        while ahead:
            seen |= ahead
            near = {end for e in self.edges_of(sorted(ahead)) for end in (e.a, e.b)}
            for each in ahead & tables.members.keys():
                near |= tables.components[tables.members[each].component].keys()
            ahead = near - seen
        return self._places(seen & tables.members.keys())

    def places_in(self, components: Sequence[int]) -> Places:
        return self._places(each.record for each in self.members(components))

    def _places(self, records: Iterable[int]) -> Places:
        found = [self._tables.members[number] for number in sorted(records)]
        return Places(
            np.array([each.record for each in found], dtype=np.int64),
            np.array([each.component for each in found], dtype=np.int64),
            np.array([each.step for each in found], dtype=np.int64),
        )

    def links_among(self, records: Numbers) -> Links:
        inside = set(records.tolist())
        found = self.edges_of(sorted(inside))
        if not all(each.a in inside and each.b in inside for each in found):
            raise RestartBatch("a set grew while it was being locked")
        return Links(
            np.array([each.a for each in found], dtype=np.int64),
            np.array([each.b for each in found], dtype=np.int64),
            np.array([each.weight for each in found], dtype=np.int64),
            np.array([each.joined for each in found], dtype=np.bool_),
        )

    def put_places(self, places: Places) -> None:
        for record, component, step in zip(*(column.tolist() for column in places), strict=True):
            member = self._tables.members[record]
            self._place(member._replace(component=component, step=step))

    def lock_components(
        self,
        components: Sequence[int],
        *,
        wait: bool = True,  # noqa: ARG002  # nobody waits
    ) -> frozenset[int]:
        """One transaction at a time: there is nobody to wait for."""
        members = self._tables.members
        return frozenset(c for c in components if c in members and members[c].component == c)

    def members(self, components: Sequence[int]) -> Sequence[Member]:
        return [
            self._tables.members[record]
            for component in dict.fromkeys(components)
            for record in self._tables.components.get(component, {})
        ]

    def edges_among(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        edges = self._tables.edges
        return [edge for a in dict.fromkeys(records) for edge in edges.get(a, {}).values()]

    def edges_of(self, records: Sequence[int]) -> Sequence[StoredEdge]:
        edges, smaller = self._tables.edges, self._tables.smaller_ends
        found = {(edge.a, edge.b): edge for edge in self.edges_among(records)}
        found |= {(a, b): edges[a][b] for b in records for a in smaller.get(b, {})}
        return list(found.values())

    def pair_vectors(self, components: Sequence[int]) -> Mapping[int, bytes]:
        kept = self._tables.pair_vectors
        return {component: kept[component] for component in components if component in kept}

    def put_pair_vectors(self, vectors: Mapping[int, bytes], *, gone: Sequence[int]) -> None:
        for component in gone:
            self._journal.drop(self._tables.pair_vectors, component)
        for component, each in vectors.items():
            self._journal.put(self._tables.pair_vectors, component, each)

    def remove_edges(self, pairs: Sequence[tuple[int, int]]) -> None:
        for a, b in pairs:
            self._journal.drop(self._tables.edges.get(a, {}), b)
            self._journal.drop(self._tables.smaller_ends.get(b, {}), a)

    def put_edges(self, edges: Sequence[StoredEdge]) -> None:
        """The caller removed what was there before."""
        for edge in edges:
            self._journal.add(self._tables.edges.setdefault(edge.a, {}), edge.b, edge)
            self._journal.put(self._tables.smaller_ends.setdefault(edge.b, {}), edge.a, None)

    def put_memberships(self, members: Sequence[Member]) -> None:
        for member in members:
            if member.record in self._tables.members:
                self._place(member)

    def profiles(self, ids: Sequence[ProfileId]) -> dict[ProfileId, StoredProfile]:
        known = self._tables.profiles
        return {each: known[each] for each in ids if each in known}

    def held_profiles(
        self, ids: Sequence[ProfileId], *, touched: Sequence[ProfileId]
    ) -> frozenset[ProfileId]:
        del touched  # there is nobody to lock them against
        return frozenset(each for each in ids if self._tables.residents.get(each))

    def put_profiles(self, profiles: Sequence[StoredProfile], *, at: Micros) -> None:
        """When a profile changed is not kept here."""
        del at
        for profile in profiles:
            self._journal.put(self._tables.profiles, profile.id, profile)

    def segments_of(self, ids: Sequence[ProfileId]) -> Mapping[ProfileId, frozenset[SegmentId]]:
        stays = self._tables.stays
        return {each: frozenset(stays[each]) for each in ids if stays.get(each)}

    def enter(self, intervals: Sequence[Interval]) -> None:
        for interval in intervals:
            own = self._tables.stays.setdefault(interval.profile, {})
            self._journal.add(own, interval.segment, interval)

    def leave(self, intervals: Sequence[Interval]) -> None:
        for interval in intervals:
            own = self._tables.stays.get(interval.profile, {})
            entered = own.get(interval.segment)
            if entered is not None:
                number = next(self._counters.stays)
                self._journal.add(self._tables.ended, number, (entered, interval))
                self._journal.drop(own, interval.segment)

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        for message in messages:
            self._journal.add(self._tables.outbox, next(self._counters.letters), message)

    def review(self, items: Sequence[ReviewItem], *, at: Micros) -> None:
        for item in items:
            subject = (item.kind, item.subject)
            if subject not in self._tables.reviews:
                self._journal.add(self._tables.reviews, subject, (item, at))

    def sources(self) -> Mapping[str, Source]:
        return {source.name: source for source in self._sources.every()}

    def active_versions(self) -> ActiveVersions | None:
        """Those that were activated last."""
        model = next(reversed(self._tables.models), None)
        rules = next(reversed(self._tables.rulesets), None)
        words = sum(1 + int(each[:8], 16) for each in self._tables.value_words)
        return None if model is None else ActiveVersions(model, rules, words)

    def model_document(self, version: str) -> bytes:
        return self._tables.models[version]

    def ruleset_document(self, version: str) -> bytes:
        return self._tables.rulesets[version]

    def segment_documents(self) -> Sequence[tuple[Mapping[str, object], int]]:
        return [self._tables.segments[each] for each in sorted(self._tables.segments)]

    def oldest_mark(self) -> Micros | None:
        first = min(self._tables.marks.values(), key=_by_seq, default=None)
        return None if first is None else first.since

    def unsent(self, letters_max: int) -> Sequence[tuple[int, OutgoingMessage]]:
        return sorted(self._tables.outbox.items(), key=lambda row: row[0])[:letters_max]

    def delete_sent(self, sequences: Sequence[int]) -> None:
        for sequence in sequences:
            self._journal.drop(self._tables.outbox, sequence)

    def set_progress(
        self, group: str, *, as_of: str, pending_since: Micros | None, at: Micros
    ) -> None:
        self._journal.put(self._tables.progress, group, Progress(as_of, pending_since, at))


def _by_seq(mark: Mark) -> int:
    return mark.seq
