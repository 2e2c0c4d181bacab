"""The few rows that the command line writes: API keys."""

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.ids import Micros
from services.identity.domain.reading import ApiKey


def keep_api_key(connection: Connection, key: ApiKey) -> None:
    with transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO api_key (prefix, key_hash, scopes, label, created_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (key.prefix, key.key_hash, sorted(key.scopes), key.label, key.created_at),
        )


def api_keys(connection: Connection) -> list[ApiKey]:
    """The oldest first."""
    with transaction(connection) as cursor:
        rows = cursor.execute(
            "SELECT prefix, key_hash, scopes, label, created_at FROM api_key"
            " ORDER BY created_at, prefix"
        ).fetchall()
    return [
        ApiKey(
            prefix=prefix,
            key_hash=bytes(key_hash),
            scopes=frozenset(scopes),
            label=label,
            created_at=Micros(at),
        )
        for prefix, key_hash, scopes, label, at in rows
    ]


def revoke_api_key(connection: Connection, prefix: str) -> bool:
    """Whether there was such a key. What the API has cached of it ends by itself."""
    with transaction(connection) as cursor:
        cursor.execute("DELETE FROM api_key WHERE prefix = %s", (prefix,))
        return cursor.rowcount > 0
