"""Events that a bug of ours cannot land: each becomes a dead letter, so that no partition stops.

Only a message that fails by itself, several times and without the database, is taken for one. A
world that failed (RetryableError, an error of the database) explains no message and is not caught.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import msgspec

from services.identity.domain.errors import PlaitError, RejectedError, RejectReason
from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.record import EMPTY, RecordState, check_room, fold
from services.identity.domain.source import Source
from services.identity.ports import Message, Partition
from services.identity.store import ResolverStore, StoredRecord, Transaction
from services.resolver.derive import Deriver
from services.resolver.land import Landing, land, read_event
from services.resolver.letters import letter_of

TRIES_MAX = 3  # of one message by itself, before it is taken for what stops the others

Place = tuple[Partition, int]


class Derivers(Protocol):
    """Where the rules of today come from."""

    def deriver(self, tx: Transaction, sources: Mapping[str, Source]) -> Deriver: ...


class Quarantine:
    """One worker's: what it lands without, until the batch that holds it has landed."""

    def __init__(self, store: ResolverStore, derivers: Derivers) -> None:
        self._store = store
        self._derivers = derivers
        self._held: dict[Place, RejectedError] = {}

    def land(
        self, tx: Transaction, messages: Sequence[Message], *, deriver: Deriver, at: Micros
    ) -> Landing:
        """As `land`, but for what was found to be poison: that goes to the dead letters."""
        if not self._held:
            return land(tx, messages, deriver=deriver, at=at)
        kept = [message for message in messages if _place(message) not in self._held]
        poison = [message for message in messages if _place(message) in self._held]
        if not poison:
            self._held = {}  # the batch that held them has landed: an error keeps much alive
        landing = land(tx, kept, deriver=deriver, at=at)
        tx.send([letter_of(each, self._held[_place(each)], at) for each in poison])
        refused = landing.refused + len(poison)
        return replace(landing, messages=len(messages), refused=refused)

    def examine(self, messages: Sequence[Message], error: Exception) -> None:
        """Find the messages behind an error of landing; raises it again when there are none."""
        if isinstance(error, PlaitError | MemoryError):
            raise error
        known = set(self._held)
        with self._store.transaction() as tx:
            sources = tx.sources()
            deriver = self._derivers.deriver(tx, sources)
            numbers = tx.find_records(_records_of(messages, sources, deriver))
            records = tx.records(sorted(numbers.values()))
        stored = {record.key: record for record in records.values()}
        found = _Ward(sources, deriver, stored).poison_among(messages)
        if found.keys() <= known:
            raise error
        self._held = found


class _Ward:
    """Lands messages one by one, in thought only: nothing is written.

    Everything is read before the first try, so that no error of reading is taken for a message's.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        deriver: Deriver,
        stored: Mapping[RecordKey, StoredRecord],
    ) -> None:
        self._sources = sources
        self._deriver = deriver
        self._stored = stored
        self._states: dict[RecordKey, RecordState] = {}

    def poison_among(self, messages: Sequence[Message]) -> dict[Place, RejectedError]:
        tried = ((_place(message), self._error_of(message)) for message in messages)
        return {place: error for place, error in tried if error is not None}

    def _error_of(self, message: Message) -> RejectedError | None:
        """None when one of its tries passes, or landing itself refuses it with a reason."""
        last: Exception | None = None
        for _ in range(TRIES_MAX):
            try:
                self._try(message.value)
            except RejectedError:
                return None
            except (PlaitError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001  # whatever a bug of ours raises
                last = error
            else:
                return None
        # Only the kind of error is told: its text may hold what the sender said.
        detail = f"a bug of ours: {type(last).__name__}; report it, redrive once it is mended"
        made = RejectedError(RejectReason.INTERNAL_ERROR, detail)
        return made.with_traceback(None if last is None else last.__traceback__)

    def _try(self, body: bytes | None) -> None:
        if body is None:
            return
        event = read_event(body, self._sources, self._deriver)
        stored = self._stored.get(event.record)
        before = self._states.get(event.record, stored.state if stored else EMPTY)
        check_room(before, event)
        state = fold(before, [event])
        self._deriver.derive(state, stored)
        msgspec.json.encode(state)  # as it is stored
        self._states[event.record] = state


def _records_of(
    messages: Sequence[Message], sources: Mapping[str, Source], deriver: Deriver
) -> list[RecordKey]:
    """Of those that can be read at all."""
    found: set[RecordKey] = set()
    for message in messages:
        with suppress(Exception):  # it is tried again, and then told
            found.add(read_event(message.value or b"", sources, deriver).record)
    return sorted(found)


def _place(message: Message) -> Place:
    return message.partition, message.offset
