"""The few rows that the command line writes: API keys."""

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.reading import ApiKey


def keep_api_key(connection: Connection, key: ApiKey) -> None:
    with transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO api_key (prefix, key_hash, scopes, label, created_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (key.prefix, key.key_hash, sorted(key.scopes), key.label, key.created_at),
        )
