"""The store on PostgreSQL keeps the contract."""

from collections.abc import Iterator
from typing import cast
from uuid import UUID

import pytest

from services.identity.adapters.sql.engine import connect, create_schema
from services.identity.adapters.sql.rulesets import activate_ruleset
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros
from services.identity.store import ResolverStore, StoredEvent, Transaction
from services.identity.store_marks import MarkKind
from tests.contract.store_contract import StoreContract


class TestSqlStore(StoreContract):
    @pytest.fixture
    def store(self, database_url: str) -> Iterator[ResolverStore]:
        with connect(database_url) as connection:
            connection.execute(
                "INSERT INTO source (name, channel, workspace, is_unique, created_at)"
                " VALUES ('web', 'web', 'shop', false, 0), ('billing', 'billing', 'shop', true, 0)"
            )
            connection.execute(
                "INSERT INTO model (version, document, report, created_at, is_active)"
                " VALUES ('m0', 'model nought', '{}', 0, false), ('m1', 'model one', '{}', 0, true)"
            )
            for version, document in (("r0", b"rules nought"), ("r1", b"rules one")):
                activate_ruleset(connection, version, document, at=Micros(0))
            connection.execute(
                "INSERT INTO segment (id, document, version, changed_at)"
                """ VALUES ('loyal', '{"id": "loyal"}', 1, 0)"""
            )
        store = SqlStore(database_url)
        yield store
        store.close()

    def test_a_reading_can_write_nothing(self, store: ResolverStore) -> None:
        assert isinstance(store, SqlStore)
        with pytest.raises(RetryableError), store.reading() as reading:
            cast("Transaction", reading).mark([(MarkKind.MATCHING, 1, Micros(0))])


def test_a_database_of_before_gets_the_columns_that_it_lacks(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute('ALTER TABLE event DROP COLUMN "offset", DROP COLUMN partition')
        connection.execute("ALTER TABLE membership DROP COLUMN step")
        connection.commit()
        create_schema(connection)
    store = SqlStore(database_url)
    event = StoredEvent(1, Micros(0), UUID(int=1), b"body", 3, 2**40)
    with store.transaction() as tx:
        tx.add_events([event])
        assert list(tx.events_of([1])) == [event]
        assert list(tx.members([1])) == []
    store.close()
