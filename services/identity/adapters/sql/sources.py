"""Declared sources and loaded files in PostgreSQL. A write key is stored as its hash only."""

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from services.identity.adapters.sql.engine import Connection, connect, transaction
from services.identity.domain.errors import RetryableError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.mapping import Column, FileFormat
from services.identity.domain.mapping import Mapping as SourceMapping
from services.identity.domain.source import Source

_REGISTER = """
INSERT INTO source
  (name, channel, workspace, trust, region, is_unique, mapping, write_key_hash, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET
  channel = excluded.channel, workspace = excluded.workspace, trust = excluded.trust,
  region = excluded.region, is_unique = excluded.is_unique, mapping = excluded.mapping,
  write_key_hash = coalesce(excluded.write_key_hash, source.write_key_hash)
"""
READ = """
SELECT name, channel, workspace, trust, region, is_unique, mapping, write_key_hash FROM source
"""


class SqlSources:
    """Threads may share one; the connection is opened when first needed and after it broke."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def register(self, source: Source, *, write_key_hash: bytes | None, at: Micros) -> None:
        """Add or replace; without a hash, a key given earlier stays."""
        mapping = None if source.mapping is None else Jsonb(_to_document(source.mapping))
        row = (
            source.name,
            source.channel,
            source.workspace,
            source.trust,
            source.region,
            source.unique,
            mapping,
            write_key_hash,
            at,
        )
        self._run(_REGISTER, row)

    def find(self, name: str) -> Source | None:
        rows = self._run(f"{READ} WHERE name = %s", (name,))
        return read_source(rows[0]) if rows else None

    def every(self) -> list[Source]:
        return [read_source(row) for row in self._run(f"{READ} ORDER BY name", ())]

    def by_write_key_hash(self) -> Mapping[bytes, Source]:
        rows = self._run(f"{READ} WHERE write_key_hash IS NOT NULL", ())
        return {bytes(row[7]): read_source(row) for row in rows}

    def loaded_at(self, file_hash: bytes, source: str) -> Micros | None:
        """When a file with this content was loaded for the source."""
        rows = self._run(
            "SELECT loaded_at FROM load WHERE file_hash = %s AND source = %s", (file_hash, source)
        )
        return Micros(rows[0][0]) if rows else None

    def record(self, file_hash: bytes, source: str, *, loaded_at: Micros, rows: int) -> None:
        """Loaded once more, it counts from now on as loaded then."""
        self._run(
            "INSERT INTO load (file_hash, source, loaded_at, rows) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (file_hash, source) DO UPDATE"
            " SET loaded_at = excluded.loaded_at, rows = excluded.rows",
            (file_hash, source, loaded_at, rows),
        )

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Raises RetryableError when the database cannot be reached."""
        with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self._url)
                with transaction(self._connection) as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                raise RetryableError("the database cannot be reached") from None


def read_source(row: tuple[Any, ...]) -> Source:
    name, channel, workspace, trust, region, is_unique, mapping, _ = row
    return Source(
        name=SourceName(name),
        channel=channel,
        workspace=workspace,
        trust=trust,
        region=region,
        unique=is_unique,
        mapping=None if mapping is None else _to_mapping(mapping),
    )


def _to_document(mapping: SourceMapping) -> dict[str, Any]:
    """Columns as a list: the order in which they were declared is not kept by a JSONB object."""
    return {
        "key": mapping.key,
        "unique": mapping.unique,
        "time": mapping.time,
        "columns": [msgspec.to_builtins(each) for each in mapping.columns.values()],
        "format": msgspec.to_builtins(mapping.format),
    }


def _to_mapping(document: dict[str, Any]) -> SourceMapping:
    columns = msgspec.convert(document["columns"], list[Column])
    return SourceMapping(
        key=document["key"],
        unique=document["unique"],
        time=document["time"],
        columns={each.name: each for each in columns},
        format=msgspec.convert(document["format"], FileFormat),
    )
