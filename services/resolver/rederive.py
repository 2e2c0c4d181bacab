"""Deriving again: every record's features and keys anew, after a new model or to prove the old.

Works in batches on a home in use: each batch locks its records, so that landing waits its turn, and
leaves dirty marks that resolving takes up. Profile ids are kept, because they follow the records.
"""

from collections.abc import Callable, Sequence
from functools import partial

from services.identity.domain.events import Event
from services.identity.domain.ids import Micros
from services.identity.domain.record import EMPTY, fold
from services.identity.ports import Clock
from services.identity.store import ResolverStore, Transaction
from services.resolver.derive import Deriver
from services.resolver.land import RecordWriter, read_event
from services.resolver.resolve.candidates import tell_crossings
from services.resolver.restarts import with_restarts
from services.resolver.standing import Standing

BATCH_RECORDS_MAX = 1_000

Progress = Callable[[int], None]


def rederive(
    store: ResolverStore,
    clock: Clock,
    *,
    from_events: bool,
    progress: Progress | None = None,
) -> int:
    """Derive every record again and mark all dirty; returns how many states were different.

    `from_events` folds the states from the stored events too (`plait resolve --all`); without it
    the states stay and only features and keys are made anew (a new model).
    """
    standing = Standing()
    changed = 0
    for numbers in store.record_numbers():
        for start in range(0, len(numbers), BATCH_RECORDS_MAX):
            batch = numbers[start : start + BATCH_RECORDS_MAX]
            work = partial(
                _batch,
                standing=standing,
                numbers=batch,
                from_events=from_events,
                at=clock.now(),
            )
            changed += with_restarts(store, work)
            if progress is not None:
                progress(len(batch))
    with_restarts(store, lambda tx: _check_generic(tx, standing, clock.now()))
    return changed


def _check_generic(tx: Transaction, standing: Standing, at: Micros) -> None:
    """Keys that records let go of may be generic no longer."""
    rules = standing.deriver(tx, tx.sources()).rules
    tell_crossings(tx, sorted(tx.generic_keys()), rules, at=at)


def _batch(
    tx: Transaction, *, standing: Standing, numbers: Sequence[int], from_events: bool, at: Micros
) -> int:
    deriver = standing.deriver(tx, tx.sources())
    records = tx.lock_record_numbers(numbers)
    states = {number: record.state for number, record in records.items()}
    if from_events:
        states = {number: fold(EMPTY, ()) for number in records}
        for number, events in _events_of(tx, deriver, sorted(records)).items():
            states[number] = fold(EMPTY, events)
    writer = RecordWriter(tx, marks_released=False)
    for number in sorted(records):
        record, state = records[number], states[number]
        derived = deriver.derive(state, record, again=True)
        writer.put(number, record.key, record, state, derived, at)
    writer.write()
    return sum(states[number] != record.state for number, record in records.items())


def _events_of(tx: Transaction, deriver: Deriver, numbers: Sequence[int]) -> dict[int, list[Event]]:
    sources = tx.sources()
    events: dict[int, list[Event]] = {number: [] for number in numbers}
    for stored in tx.events_of(numbers):
        events[stored.record].append(read_event(stored.body, sources, deriver))
    return events
