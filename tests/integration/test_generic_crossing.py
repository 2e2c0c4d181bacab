"""A key crosses its limit between a batch's reading and its locks: the batch must start again."""

from collections.abc import Callable, Collection, Sequence

import pytest

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.reads import SqlReads
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.identifiers import SCOPE_SHARED, identifier_key
from services.identity.domain.ladder import Ladder
from services.identity.ports import TopicSettings
from services.identity.store import StoredEdge, Transaction
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC
from services.linkage.score import PairScorer
from services.resolver.consume import Bounds, Worker
from services.resolver.resolve.components import Standing as Locked
from services.resolver.resolve.components import lock_standing
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash
from tests.factories import channel_event, outgoing, untrained_model
from tests.property.order_world import FixedClock
from tests.property.sql_home import empty_home

HOLDERS_MAX = 2
MODEL = untrained_model()


class _Home:
    """Visitors who share one address; each is a record that holds its key."""

    def __init__(self, url: str) -> None:
        empty_home(url, MODEL)
        self.url = url
        self.scorer = PairScorer(MODEL)
        self.log = MemoryLog(FixedClock())
        topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
        self.log.ensure_topics([TopicSettings(name=name, partitions=1) for name in topics])

    def work(self, step: Callable[[Worker], object]) -> None:
        store = SqlStore(self.url)
        worker = Worker(
            store=store,
            log=self.log,
            clock=FixedClock(),
            bounds=Bounds(poll_ms=0),
            standing=Standing(scorer=self.scorer, generic_holders_max=HOLDERS_MAX),
        )
        if step is not Worker.land_until_end:
            worker.close()  # its partition is the next one's; resolving needs no log
        step(worker)
        worker.close()
        store.close()

    def visit(self, number: int) -> None:
        event = channel_event(
            user_id=f"u-{number}",
            message_id=f"m-{number}",
            traits={"email": "info@example.org"},
        )
        self.log.producer().append([outgoing(event)])
        self.work(Worker.land_until_end)

    def hash(self) -> StateHash:
        self.work(Worker.resolve_until_clean)
        with SqlStore(self.url).snapshot() as snapshot:
            found = state_hash(snapshot)
        assert found.is_clean
        assert found.records == HOLDERS_MAX + 1
        return found


@pytest.mark.integration
def test_a_crossing_that_is_resolved_meanwhile_sends_a_batch_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _Home(database_url)
    for number in range(HOLDERS_MAX + 1):
        home.visit(number)
    expected = home.hash()

    home = _Home(database_url)
    for number in range(HOLDERS_MAX):
        home.visit(number)
    waiting = [HOLDERS_MAX]

    def lock_late(
        tx: Transaction, records: Collection[int], found: Sequence[StoredEdge], ladder: Ladder
    ) -> Locked:
        while waiting:  # another worker lands the crossing holder and resolves all it may
            home.visit(waiting.pop())
            home.work(Worker.resolve_until_clean)
        return lock_standing(tx, records, found, ladder)

    monkeypatch.setattr("services.resolver.resolve.batch.lock_standing", lock_late)
    home.work(Worker.resolve_once)
    assert home.hash().value == expected.value


@pytest.mark.integration
async def test_a_generic_value_is_listed_with_its_type_and_holders(database_url: str) -> None:
    home = _Home(database_url)
    for number in range(HOLDERS_MAX + 1):
        home.visit(number)
    home.hash()
    pool = AsyncPool(database_url)
    reads = SqlReads(pool)
    (told,) = await reads.generic_keys(of_blocking=False, keys_max=9)
    of_blocking = await reads.generic_keys(of_blocking=True, keys_max=9)
    await reads.close()
    assert (told.type, told.value, told.holders) == ("email", "info@example.org", HOLDERS_MAX + 1)
    assert told.key == identifier_key("email", SCOPE_SHARED, "info@example.org")
    assert [(each.type, each.holders) for each in of_blocking] == [(None, HOLDERS_MAX + 1)]
