"""Model versions: kept for ever, one of them active."""

from typing import Any

import msgspec

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros


def save_model(
    connection: Connection, version: str, document: bytes, report: object, *, at: Micros
) -> None:
    """Keep a model version; saving it again changes nothing."""
    with transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO model (version, document, report, created_at)"
            " VALUES (%s, %s, %s::jsonb, %s) ON CONFLICT DO NOTHING",
            (version, document, msgspec.json.encode(report).decode(), at),
        )


def report_of(connection: Connection, version: str) -> dict[str, Any]:
    """What was told when the version was trained. Raises UsageError when there is none such."""
    with transaction(connection) as cursor:
        row = cursor.execute("SELECT report FROM model WHERE version = %s", (version,)).fetchone()
    if row is None:
        known = [each for each, _, _ in list_models(connection)]
        raise UsageError(f"no model version {version}; known are {known}")
    return dict(row[0])


def active_version(connection: Connection) -> str | None:
    with transaction(connection) as cursor:
        row = cursor.execute("SELECT version FROM model WHERE is_active").fetchone()
    return None if row is None else str(row[0])


def activate(connection: Connection, version: str) -> None:
    """Make one version the active one. Waits for batches that still work with the old one.

    Records keep their features and keys until they are derived again: that is the caller's to do.
    Raises UsageError when there is no such version.
    """
    with transaction(connection) as cursor:
        cursor.execute("SELECT version FROM model ORDER BY version FOR UPDATE")
        known = {row[0] for row in cursor.fetchall()}
        if version not in known:
            raise UsageError(f"no model version {version}; known are {sorted(known)}")
        cursor.execute("UPDATE model SET is_active = (version = %s)", (version,))


def list_models(connection: Connection) -> list[tuple[str, Micros, bool]]:
    with transaction(connection) as cursor:
        cursor.execute("SELECT version, created_at, is_active FROM model ORDER BY created_at")
        return [(version, created, active) for version, created, active in cursor.fetchall()]


def has_told(connection: Connection) -> bool:
    """Whether this home ever told a profile id to anyone."""
    with transaction(connection) as cursor:
        row = cursor.execute("SELECT EXISTS (SELECT FROM profile)").fetchone()
    return row is not None and bool(row[0])
