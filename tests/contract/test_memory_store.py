"""The store in memory keeps the contract."""

import pytest

from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.source import Source
from services.identity.store import ResolverStore, StoredEdge
from tests.contract.store_contract import SEGMENT, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> ResolverStore:
        sources = MemorySources()
        for name in ("web", "billing"):
            source = Source(
                name=SourceName(name), channel=name, workspace="shop", unique=name == "billing"
            )
            sources.register(source, write_key_hash=None, at=Micros(0))
        store = MemoryStore(sources)
        store.activate_model("m0", b"model nought")
        store.activate_model("m1", b"model one")
        store.activate_ruleset("r0", b"rules nought")
        store.activate_ruleset("r1", b"rules one")
        store.save_segment(SEGMENT, {"id": "loyal"})
        return store

    def test_a_second_row_for_one_edge_is_a_bug(self, store: ResolverStore) -> None:
        with pytest.raises(ValueError, match="already there"), store.transaction() as tx:
            tx.put_edges([StoredEdge(1, 2, 3, b""), StoredEdge(1, 2, 4, b"")])

    def test_a_transaction_within_an_open_one_is_an_error_and_no_wait(
        self, store: ResolverStore
    ) -> None:
        for outer in (store.transaction, store.snapshot):
            with outer(), pytest.raises(RuntimeError, match="do not nest"), store.transaction():
                pass
        with store.transaction() as tx:
            assert tx.take_marks(1) == []
