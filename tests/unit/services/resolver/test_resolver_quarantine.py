"""An event that a bug of ours cannot land stops nobody else's; a world that failed is no event."""

import copy
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.errors import RejectReason, RetryableError
from services.identity.domain.record import RecordState
from services.identity.domain.source import Source
from services.identity.ports import OutgoingMessage
from services.identity.store import Reading, StoredRecord, Transaction
from services.identity.wire.events import TOPIC, encode
from services.resolver.derive import Derived, Deriver
from services.resolver.quarantine import TRIES_MAX, Quarantine
from services.resolver.replay import Filter, replay
from services.resolver.standing import Standing
from tests.factories import channel_event, outgoing
from tests.letters_world import LettersWorld
from tests.resolver_home import Home, shared_standing

BAD = channel_event(user_id="bad", message_id="m-bad", traits={"city": "Trouble"})
GOOD = [channel_event(user_id=name, message_id=name) for name in ("ann", "ben")]


class Stumbling(Deriver):
    """A bug: it stumbles over one city, and over one e-mail with one phone, `falls` times."""

    def __init__(self, inner: Deriver, falls: list[int]) -> None:
        super().__init__(inner.model, inner.rules)
        self._falls = falls

    def derive(
        self, state: RecordState, stored: StoredRecord | None, *, again: bool = False
    ) -> Derived:
        values = state.matching_values()
        strange = (
            values.get("city") == "Trouble" or values.get("email") == values.get("phone") == "1"
        )
        if strange and self._falls[0] > 0:
            self._falls[0] -= 1
            raise KeyError("what the sender said")
        return super().derive(state, stored, again=again)


class StumblingStanding(Standing):
    def __init__(self, falls: int) -> None:
        super().__init__(scorer=shared_standing().scorer)
        self.falls = [falls]

    def deriver(self, tx: Reading, sources: Mapping[str, Source]) -> Deriver:
        return Stumbling(super().deriver(tx, sources), self.falls)


def stumbling(falls: int) -> LettersWorld:
    return LettersWorld(standing=StumblingStanding(falls))


def test_a_poison_event_is_kept_and_the_others_land() -> None:
    world = stumbling(1_000)
    world.append(outgoing(GOOD[0]), outgoing(BAD), outgoing(GOOD[1])).resolve()
    (letter,) = world.letters()
    assert (letter.reason, letter.message_id) == (RejectReason.INTERNAL_ERROR, "m-bad")
    assert letter.position == "channel-events/0/1"
    assert "KeyError" in letter.detail
    assert "sender" not in letter.detail
    without = LettersWorld().append(*(outgoing(each) for each in GOOD)).resolve()
    assert world.hash() == without.hash()


def test_once_the_bug_is_mended_it_leaves_no_trace() -> None:
    world = stumbling(1 + TRIES_MAX)  # when it lands, and when it is looked at by itself
    world.append(outgoing(GOOD[0]), outgoing(BAD)).resolve()
    assert len(world.letters()) == 1
    world.redrive()
    never_failed = LettersWorld().append(outgoing(GOOD[0]), outgoing(BAD)).resolve()
    assert world.resolve().hash() == never_failed.hash()
    assert world.letters() == []


def test_of_events_that_fail_together_the_later_is_kept_aside() -> None:
    world = stumbling(1_000)
    both = [
        channel_event(user_id="ann", message_id=name, traits={name: "1"})
        for name in ("email", "phone")
    ]
    world.append(*(outgoing(each) for each in both)).resolve()
    assert [each.message_id for each in world.letters()] == ["phone"]
    assert world.hash() == LettersWorld().append(outgoing(both[0])).resolve().hash()


def test_what_passes_by_itself_explains_nothing() -> None:
    world = stumbling(1 + 2)  # the third try by itself passes
    with pytest.raises(KeyError):
        world.append(outgoing(BAD)).resolve()
    world.resolve()
    assert world.letters() == []
    assert world.hash().records == 1


def test_a_replay_keeps_poison_aside_as_a_worker_does() -> None:
    world = stumbling(1_000)
    world.append(outgoing(GOOD[0]), outgoing(BAD)).resolve()
    before = world.hash()
    world.append(outgoing(GOOD[1]))
    done = replay(
        world.store, world.log, world.clock, only=Filter(), standing=StumblingStanding(1_000)
    )
    assert (done.read, done.changes, done.refused) == (3, 1, 1)
    assert len(world.resolve().letters()) == 1
    assert world.hash().records == before.records + 1


def test_a_replay_reads_every_partition_to_its_end_whoever_else_replays() -> None:
    world = stumbling(0)
    world.append(outgoing(GOOD[0]), outgoing(GOOD[1])).resolve()
    for partition in world.log.end_offsets(TOPIC):
        world.log.leave_hole(partition)
    others = world.log.consumer(topics=[TOPIC], group="replay", start=lambda _: {})
    others.poll(records_max=1, timeout_ms=0)  # which owns all of its group
    done = replay(world.store, world.log, world.clock, only=Filter())
    assert (done.read, done.taken, done.changes) == (2, 2, 0)


class DriverError(Exception):
    """What a database's driver raises for what no try of ours foresaw."""


@pytest.mark.parametrize("kind", [RetryableError, DriverError, MemoryError])
@pytest.mark.parametrize("method", ["add_dedupe", "lock_records", "records"])
def test_an_error_of_the_world_is_never_a_letter(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception], method: str
) -> None:
    world = stumbling(1_000)
    transaction = world.store.transaction

    class Failing:
        def __init__(self, tx: Transaction) -> None:
            self._tx = tx

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # as the transaction has it
            if name == method:
                raise kind
            return getattr(self._tx, name)

    @contextmanager
    def failing() -> Any:  # noqa: ANN401  # a generator of transactions
        with transaction() as tx:
            yield Failing(tx)

    world.append(outgoing(GOOD[0]), outgoing(BAD))
    with monkeypatch.context() as broken:
        broken.setattr(world.store, "transaction", failing)
        with pytest.raises(kind):
            world.resolve()
    assert world.store.tables.outbox == {}
    assert world.store.tables.dedupe == {}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(("web", "identify", "plait.identify.v1", "2026-01-01T00:00:00Z", "\x00")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


EVENT = msgspec.json.decode(encode(channel_event(user_id="ann", traits={"email": "a"})))
PARTS = [
    *((name,) for name in EVENT),
    *(("data", name) for name in (*EVENT["data"], "properties", "context", "externalIds", "event")),
    *(("data", "record", name) for name in ("kind", "key")),
    *(("data", "traits", name) for name in ("email", "phone", "birthday", "city", "\x00")),
]


def with_part(path: tuple[str, ...], value: object) -> bytes:
    event = copy.deepcopy(EVENT)
    place = event
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return msgspec.json.encode(event)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=20) | st.builds(with_part, st.sampled_from(PARTS), JSON))
def test_whatever_stands_in_the_log_the_partition_goes_on(strange: bytes) -> None:
    home = Home()
    home.log.producer().append(
        [OutgoingMessage(topic=TOPIC, key=b"k", value=strange), outgoing(GOOD[0])]
    )
    landing = home.worker.land_once(wait=False)
    assert landing is not None
    assert (landing.messages, landing.accepted + landing.refused) == (2, 2)
    letters = home.store.tables.outbox.values()
    assert all(b"internal_error" not in (each.value or b"") for each in letters)


def test_a_quarantine_that_holds_nothing_lands_as_ever() -> None:
    world = LettersWorld()
    quarantine = Quarantine(world.store, shared_standing())
    with pytest.raises(KeyError):
        quarantine.examine([], KeyError())
