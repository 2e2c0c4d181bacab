"""Segment definitions, by id; a changed one gets the next version."""

from collections.abc import Mapping, Sequence

from psycopg.types.json import Jsonb

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.ids import Micros


def put_segments(
    connection: Connection, documents: Sequence[Mapping[str, object]], *, at: Micros
) -> None:
    with transaction(connection) as cursor:
        for document in documents:
            cursor.execute(
                "INSERT INTO segment (id, document, version, changed_at) VALUES (%s, %s, 1, %s)"
                " ON CONFLICT (id) DO UPDATE SET document = excluded.document,"
                " version = segment.version + 1, changed_at = excluded.changed_at"
                " WHERE segment.document <> excluded.document",
                (document["id"], Jsonb(dict(document)), at),
            )
