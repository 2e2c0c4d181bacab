"""Versions of the rules: kept for ever, one of them active."""

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.ids import Micros


def active_ruleset(connection: Connection) -> str | None:
    """None where the built-in rules were never taken into use by name."""
    with transaction(connection) as cursor:
        row = cursor.execute("SELECT version FROM ruleset WHERE is_active").fetchone()
    return None if row is None else str(row[0])


def ruleset_document(connection: Connection, version: str) -> bytes:
    with transaction(connection) as cursor:
        row = cursor.execute("SELECT document FROM ruleset WHERE version = %s", (version,))
        found = row.fetchone()
    return b"" if found is None else bytes(found[0])


def activate_ruleset(
    connection: Connection, version: str, document: bytes, *, at: Micros, only_empty: bool = False
) -> bool:
    """Make these rules the active ones. Waits for batches that still work with the old ones.

    Records keep what was derived by the old ones until they are derived again: that is the
    caller's to do. `only_empty`: not in a home that holds a record; False says so.
    """
    with transaction(connection) as cursor:
        cursor.execute("SELECT FROM model ORDER BY version FOR UPDATE")
        if only_empty and cursor.execute("SELECT FROM record LIMIT 1").fetchone() is not None:
            return False
        cursor.execute(
            "INSERT INTO ruleset (version, document, created_at) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (version, document, at),
        )
        cursor.execute("UPDATE ruleset SET is_active = (version = %s)", (version,))
    return True
