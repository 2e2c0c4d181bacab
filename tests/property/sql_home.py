"""The same home on PostgreSQL: one database, emptied for each example."""

import psycopg
from psycopg.types.json import Jsonb

from services.identity.adapters.sql import models
from services.identity.adapters.sql.engine import connect
from services.identity.adapters.sql.sources import SqlSources
from services.identity.adapters.sql.tables import metadata
from services.identity.domain.ids import Micros
from services.linkage.model import LinkageModel
from tests.property.order_world import SEGMENTS, SOURCES


def empty_home(url: str, model: LinkageModel) -> None:
    """Nothing landed; the sources, the model and the segments of the order tests declared."""
    tables = psycopg.sql.SQL(", ").join(
        psycopg.sql.Identifier(name) for name in sorted(metadata.tables)
    )
    with connect(url) as connection:
        connection.execute(psycopg.sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
        for segment, document in SEGMENTS.items():
            connection.execute(
                "INSERT INTO segment (id, document, version, changed_at) VALUES (%s, %s, 1, 0)",
                (segment, Jsonb(document)),
            )
        connection.commit()
        models.save_model(connection, model.version, model.to_json().encode(), {}, at=Micros(0))
        models.activate(connection, model.version)
    sources = SqlSources(url)
    for source in SOURCES:
        sources.register(source, write_key_hash=None, at=Micros(0))
    sources.close()
