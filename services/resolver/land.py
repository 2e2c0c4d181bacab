"""Landing: one transaction a batch. Dedupe, record states, keys, dirty marks, consumer offsets.

Landing never writes profiles. An event counts once, for ever: of several copies with one message id
the one with the smallest (occurred_at, content hash), whatever came first. Checked by
tests/property/test_order.py.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.identity.domain.events import Event
from services.identity.domain.ids import Micros, RecordKey, event_id_of
from services.identity.domain.record import EMPTY, RecordState, check_room, fold
from services.identity.domain.source import Source
from services.identity.ports import Message
from services.identity.store import DedupeEntry, StoredEvent, StoredRecord, Transaction
from services.identity.store_marks import MarkKind
from services.identity.wire.events import decode
from services.resolver.derive import Derived, Deriver
from services.resolver.interpret import interpret
from services.resolver.letters import letter_of
from services.resolver.membership import AccountIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What one batch came to, for counters and logs."""

    messages: int
    accepted: int
    copies: int
    refused: int
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One event as read from the log."""

    event: Event
    event_id: UUID
    message: Message

    def order(self) -> tuple[int, bytes]:
        return (self.event.occurred_at, self.event.content_hash)


def land(tx: Transaction, messages: Sequence[Message], *, deriver: Deriver, at: Micros) -> Landing:
    """Land messages of the log. The caller moves the offsets in the same transaction."""
    sources = tx.sources()
    arrivals, refused = _read(messages, sources, deriver)
    best = _best_copies(arrivals)
    batch = _Batch(tx, deriver, sources, at)
    late_refusals = batch.land(best, len(arrivals) - len(best))
    refused.extend(late_refusals)
    tx.send([letter_of(message, error, at) for message, error in refused])
    return Landing(
        messages=len(messages),
        accepted=batch.accepted,
        copies=batch.copies,
        refused=len(refused),
        records=batch.touched,
    )


def _read(
    messages: Sequence[Message], sources: Mapping[str, Source], deriver: Deriver
) -> tuple[list[Arrival], list[tuple[Message, RejectedError]]]:
    arrivals: list[Arrival] = []
    refused: list[tuple[Message, RejectedError]] = []
    for message in messages:
        if message.value is None:
            continue  # a tombstone says nothing about a person
        try:
            event = read_event(message.value, sources, deriver)
        except RejectedError as error:
            refused.append((message, error))
            continue
        event_id = event_id_of(event.source, event.message_id)
        arrivals.append(Arrival(event=event, event_id=event_id, message=message))
    return arrivals, refused


def read_event(body: bytes, sources: Mapping[str, Source], deriver: Deriver) -> Event:
    try:
        channel_event = decode(body)
    except msgspec.ValidationError:
        raise RejectedError(
            RejectReason.WRONG_TYPE, "not a channel event; see schemas/events"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RejectedError(RejectReason.BROKEN_JSON, "the message is not JSON") from None
    except RecursionError:
        raise RejectedError(RejectReason.BROKEN_JSON, "the message is nested too deeply") from None
    source = sources.get(channel_event.source)
    if source is None:
        raise RejectedError(
            RejectReason.UNKNOWN_SOURCE, "no source of this name; add it with `plait source add`"
        )
    return interpret(channel_event, source=source, rules=deriver.rules)


def _best_copies(arrivals: Sequence[Arrival]) -> dict[UUID, list[Arrival]]:
    """Per event its copies in this batch, the one that counts first."""
    result: dict[UUID, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        result[arrival.event_id].append(arrival)
    for copies in result.values():
        copies.sort(key=Arrival.order)
    return result


class _Batch:
    """The records of one batch under lock, and what is to be written of them."""

    def __init__(
        self, tx: Transaction, deriver: Deriver, sources: Mapping[str, Source], at: Micros
    ) -> None:
        self._tx = tx
        self._at = at
        self._deriver = deriver
        self._sources = sources
        self.accepted = 0
        self.copies = 0
        self.touched = 0

    def land(
        self, best: Mapping[UUID, list[Arrival]], copies: int
    ) -> list[tuple[Message, RejectedError]]:
        records = {arrivals[0].event.record for arrivals in best.values()}
        keys = sorted(records)
        known = self._tx.lock_records(keys)
        missing = [key for key in keys if key not in known]
        numbers = dict(zip(missing, self._tx.new_record_numbers(len(missing)), strict=True))
        refused: list[tuple[Message, RejectedError]] = []
        firsts = self._with_room(best, known, refused)
        fresh, replacing = self._dedupe(firsts, best, known, numbers)
        self.copies = copies + len(firsts) - len(fresh) - len(replacing)
        self.accepted = len(fresh) + len(replacing)
        added: dict[RecordKey, list[Arrival]] = defaultdict(list)
        for arrival in fresh:
            added[arrival.event.record].append(arrival)
        moved = self._replace(replacing, known, numbers)
        self._write(added, moved, known, numbers)
        return refused

    def _with_room(
        self,
        best: Mapping[UUID, list[Arrival]],
        known: Mapping[RecordKey, StoredRecord],
        refused: list[tuple[Message, RejectedError]],
    ) -> list[Arrival]:
        """The events their record can hold; refused ones never enter dedupe."""
        firsts: list[Arrival] = []
        for arrivals in best.values():
            event = arrivals[0].event
            stored = known.get(event.record)
            try:
                check_room(stored.state if stored else EMPTY, event)
            except RejectedError as error:
                refused.extend((arrival.message, error) for arrival in arrivals)
                continue
            firsts.append(arrivals[0])
        return firsts

    def _dedupe(
        self,
        firsts: Sequence[Arrival],
        best: Mapping[UUID, list[Arrival]],
        known: Mapping[RecordKey, StoredRecord],
        numbers: Mapping[RecordKey, int],
    ) -> tuple[list[Arrival], list[tuple[Arrival, DedupeEntry]]]:
        """What is new, and what replaces a larger copy that counted until now."""

        def entry(arrival: Arrival) -> DedupeEntry:
            record = arrival.event.record
            stored = known.get(record)
            return DedupeEntry(
                event_id=arrival.event_id,
                occurred_at=arrival.event.occurred_at,
                content_hash=arrival.event.content_hash,
                record=stored.number if stored else numbers[record],
                copies=len(best[arrival.event_id]),
            )

        entries = {arrival.event_id: entry(arrival) for arrival in firsts}
        before = self._tx.add_dedupe(list(entries.values()))
        fresh: list[Arrival] = []
        replacing: list[tuple[Arrival, DedupeEntry]] = []
        updates: list[DedupeEntry] = []
        for arrival in firsts:
            old = before.get(arrival.event_id)
            if old is None:
                fresh.append(arrival)
                continue
            copies = old.copies + len(best[arrival.event_id])
            if arrival.order() < (old.occurred_at, old.content_hash):
                replacing.append((arrival, old))
                updates.append(entries[arrival.event_id]._replace(copies=copies))
            else:
                updates.append(old._replace(copies=copies))
        self._tx.update_dedupe(updates)
        return fresh, replacing

    def _replace(
        self,
        replacing: Sequence[tuple[Arrival, DedupeEntry]],
        known: dict[RecordKey, StoredRecord],
        numbers: Mapping[RecordKey, int],
    ) -> dict[RecordKey, RecordState]:
        """Fold again every record that loses or changes an event: its state without the old."""
        if not replacing:
            return {}
        others = {old.record for _, old in replacing} - {r.number for r in known.values()}
        others -= set(numbers.values())
        if others:  # after dedupe, so out of order: see docs/architecture.md
            left = self._tx.lock_record_numbers(sorted(others), waits=False)
            known |= {stored.key: stored for stored in left.values()}
        self._tx.remove_events([(o.record, o.occurred_at, o.event_id) for _, o in replacing])
        targets = {arrival.event.record for arrival, _ in replacing}
        by_number = {stored.number: stored.key for stored in known.values()}
        targets |= {by_number[old.record] for _, old in replacing if old.record in by_number}
        stored_targets = [known[key].number for key in sorted(targets) if key in known]
        remaining: dict[int, list[Event]] = {number: [] for number in stored_targets}
        for stored_event in self._tx.events_of(stored_targets):
            remaining[stored_event.record].append(
                read_event(stored_event.body, self._sources, self._deriver)
            )
        result = {by_number[n]: fold(EMPTY, events) for n, events in remaining.items()}
        added: list[StoredEvent] = []
        for arrival, _ in replacing:
            key = arrival.event.record
            result[key] = fold(result.get(key, EMPTY), [arrival.event])
            added.append(_stored(arrival, known[key].number if key in known else numbers[key]))
        self._tx.add_events(added)
        return result

    def _write(
        self,
        added: Mapping[RecordKey, Sequence[Arrival]],
        refolded: Mapping[RecordKey, RecordState],
        known: Mapping[RecordKey, StoredRecord],
        numbers: Mapping[RecordKey, int],
    ) -> None:
        writer = RecordWriter(self._tx)
        events: list[StoredEvent] = []
        for key in sorted({*added, *refolded}):
            stored = known.get(key)
            arrivals = added.get(key, ())
            state = refolded.get(key, stored.state if stored else EMPTY)
            state = fold(state, [arrival.event for arrival in arrivals])
            number = stored.number if stored else numbers[key]
            since = min((a.message.appended_at for a in arrivals), default=self._at)
            writer.put(number, key, stored, state, self._deriver.derive(state, stored), since)
            events.extend(_stored(arrival, number) for arrival in arrivals)
        self.touched = writer.write()
        self._tx.add_events(events)


def _stored(arrival: Arrival, number: int) -> StoredEvent:
    return StoredEvent(
        record=number,
        occurred_at=arrival.event.occurred_at,
        event_id=arrival.event_id,
        body=arrival.message.value or b"",
        partition=arrival.message.partition.index,
        offset=arrival.message.offset,
    )


def _kind_of(derived: Derived) -> MarkKind:
    if derived.changes_matching:
        return MarkKind.MATCHING
    return MarkKind.COMPONENT if derived.changes_spans else MarkKind.TRAITS


class RecordWriter:
    """Collects changed records, then writes them with their keys and dirty marks.

    `marks_released` leaves a mark for every key that a record lets go of; whoever derives all
    records anew checks all generic keys at the end instead.
    """

    def __init__(self, tx: Transaction, *, marks_released: bool = True) -> None:
        self._tx = tx
        self._marks_released = marks_released
        self._new: list[StoredRecord] = []
        self._changed: list[StoredRecord] = []
        self._told_more: list[StoredRecord] = []  # nothing of it that matching sees
        self._keys_added: list[tuple[int, int]] = []
        self._keys_removed: list[tuple[int, int]] = []
        self._marks: list[tuple[MarkKind, int, Micros]] = []
        self._accounts = AccountIndex(tx, anew=not marks_released)

    def put(  # the record before and after, straight from the fold
        self,
        number: int,
        key: RecordKey,
        stored: StoredRecord | None,
        state: RecordState,
        derived: Derived,
        since: Micros,
    ) -> None:
        record = StoredRecord(
            number=number,
            key=key,
            state=state,
            features=derived.features,
            keys=derived.keys,
            version=stored.version + 1 if stored else 1,
        )
        self._marks.append((_kind_of(derived), number, since))
        left = self._accounts.put(number, stored, state, derived)
        self._marks.extend((MarkKind.ACCOUNT, each, since) for each in sorted(left))
        if stored is None:
            self._new.append(record)
            self._keys_added += [(each, number) for each in derived.keys]
            return
        if derived.keys is stored.keys and derived.features is stored.features:
            self._told_more.append(record)
            return
        self._changed.append(record)
        before, after = set(stored.keys), set(derived.keys)
        self._keys_added.extend((each, number) for each in sorted(after - before))
        self._keys_removed.extend((each, number) for each in sorted(before - after))
        if self._marks_released:
            self._marks.extend((MarkKind.KEY, each, since) for each in sorted(before - after))

    def write(self) -> int:
        self._tx.add_records(self._new)
        self._tx.update_records(self._changed)
        self._tx.update_states(self._told_more)
        self._tx.remove_keys(self._keys_removed)
        self._tx.add_keys(self._keys_added)
        self._accounts.write()
        self._tx.mark(self._marks)
        return len(self._new) + len(self._changed) + len(self._told_more)
