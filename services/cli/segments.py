"""Segments applied: the definition is kept, its members over the whole base computed and told."""

from collections.abc import Sequence
from typing import Any

from services.cli.home import Home
from services.identity.adapters.sql.segments import put_segments
from services.identity.adapters.sql.store import SqlStore
from services.resolver.segments.backfill import backfill
from services.resolver.standing import Standing
from services.segments.definition import SegmentDefinition, to_document
from services.segments.predicate import parse_predicate


def apply_segments(home: Home, definitions: Sequence[SegmentDefinition]) -> list[dict[str, Any]]:
    """Raises UsageError, and changes nothing, when a predicate cannot be read."""
    for definition in definitions:
        parse_predicate(definition.predicate)
    with home.connection() as connection:
        put_segments(connection, [to_document(each) for each in definitions], at=home.clock.now())
    store = SqlStore(home.url)
    try:
        counts = backfill(store, Standing(), home.clock)
    finally:
        store.close()
    return [{"id": each.id, "members": counts.get(each.id, 0)} for each in definitions]
