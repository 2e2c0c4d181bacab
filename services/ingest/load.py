"""`plait load`: a file's rows to channel-events, what is no row to the dead letters.

A file is known by its content. Loading the same again changes nothing, unless it is asked for; a
load that broke off is simply started again: repeats are recognised by their message id.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from services.identity.adapters.files.csv import open_csv
from services.identity.adapters.files.jsonl import open_jsonl
from services.identity.adapters.files.parquet import open_parquet
from services.identity.adapters.files.rows import Batch, Table
from services.identity.domain.errors import RejectedError, RejectReason, UsageError
from services.identity.domain.ids import Micros
from services.identity.domain.mapping import Mapping as SourceMapping
from services.identity.domain.source import Source
from services.identity.ports import Clock, OutgoingMessage, Partition, Position, Producer
from services.identity.wire.events import TOPIC, encode, record_key_bytes
from services.ingest.file_rows import RowReader, row_reader
from services.ingest.letters import letter
from services.ingest.ports import Loads

ROWS_PER_APPEND_MAX = 2_000
LETTER_BYTES_MAX = 512 * 1024  # of one refused row; base64 of it still fits into one message
_PIECE_BYTES = 1 << 20

Progress = Callable[[int], None]
"""Told how many rows and unreadable lines are done so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load did. `loaded_before` is set when the file was known and nothing was done."""

    file_hash: bytes
    at: Micros
    accepted: int = 0
    rejected: Mapping[RejectReason, int] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    loaded_before: Micros | None = None


def load_file(
    path: Path,
    *,
    source: Source,
    producer: Producer,
    clock: Clock,
    loads: Loads,
    at: Micros | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Append every row of a CSV, JSON lines or Parquet file, read by the source's mapping.

    Raises UsageError when the file or its mapping cannot be used, before anything is appended;
    RetryableError when the log or the database cannot be reached.
    """
    mapping = source.mapping
    if mapping is None:
        raise UsageError(f"source {source.name} has no mapping; give one with --mapping")
    received_at = clock.now()
    instant = received_at if at is None else at
    with open_table(path, mapping) as table:
        key = check_columns(table, mapping, path)
        file_hash = hash_of(path)
        before = loads.loaded_at(file_hash, source.name)
        if before is not None and not again:
            return LoadReport(file_hash=file_hash, at=instant, loaded_before=before)
        reader = row_reader(source.name, mapping, key=key, at=instant, received_at=received_at)
        work = _Work(reader, producer)
        for batch in table.read(rows_max=ROWS_PER_APPEND_MAX):
            work.append(batch)
            if progress is not None:
                progress(work.done)
    loads.record(file_hash, source.name, loaded_at=received_at, rows=work.accepted)
    return LoadReport(
        file_hash=file_hash,
        at=instant,
        accepted=work.accepted,
        rejected=dict(work.rejected),
        positions=tuple(work.latest[each] for each in sorted(work.latest)),
    )


def hash_of(path: Path) -> bytes:
    """What a file is known by: its bytes, not its name."""
    digest = blake2b(digest_size=32)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.digest()


class _Work:
    """One load as it goes on: batch by batch, each in one append."""

    def __init__(self, reader: RowReader, producer: Producer) -> None:
        self._reader = reader
        self._producer = producer
        self.accepted = 0
        self.rejected: Counter[RejectReason] = Counter()
        self.latest: dict[Partition, Position] = {}

    @property
    def done(self) -> int:
        return self.accepted + self.rejected.total()

    def append(self, batch: Batch) -> None:
        messages: list[OutgoingMessage] = []
        refused = [
            self._letter(each.raw, RejectedError(each.reason, each.detail), each.line)
            for each in batch.rejects
        ]
        for row in batch.rows:
            try:
                event = self._reader.read(row.values)
            except RejectedError as error:
                raw = msgspec.json.encode(row.values)
                refused.append(self._letter(raw, error, row.line))
                continue
            partition_key = record_key_bytes(event.source, event.data.record)
            messages.append(OutgoingMessage(topic=TOPIC, key=partition_key, value=encode(event)))
        if not messages and not refused:
            return
        positions = self._producer.append([*messages, *refused])
        self.latest.update({each.partition: each for each in positions[: len(messages)]})
        self.accepted += len(messages)

    def _letter(self, raw: bytes, error: RejectedError, line: int) -> OutgoingMessage:
        self.rejected[error.reason] += 1
        return letter(
            raw[:LETTER_BYTES_MAX],
            error,
            origin="file",
            source=self._reader.source,
            position=f"line {line}",
            at=self._reader.received_at,
            load_at=self._reader.at,
        )


def open_table(path: Path, mapping: SourceMapping) -> AbstractContextManager[Table]:
    """Raises UsageError when it is not such a file at all."""
    suffixes = [each for each in path.suffixes if each != ".gz"]
    match suffixes[-1].lower() if suffixes else "":
        case ".csv" | ".tsv" | ".txt":
            return open_csv(path, mapping.format)
        case ".jsonl" | ".ndjson" | ".json":
            return open_jsonl(path, mapping.format)
        case ".parquet" | ".pq":
            return open_parquet(path)
        case _:
            raise UsageError(f"{path.name}: name it .csv, .jsonl or .parquet, so that it is known")


def check_columns(table: Table, mapping: SourceMapping, path: Path) -> str:
    """The key column. Raises UsageError when the mapping speaks of columns that are not there."""
    if mapping.key is None:
        raise UsageError("the mapping needs `key:`, the column that identifies a record")
    named = [mapping.key, *([mapping.time] if mapping.time else []), *mapping.columns]
    missing = sorted(set(named) - set(table.columns))
    if missing:
        raise UsageError(
            f"the mapping names {', '.join(map(repr, missing))}, but {path.name} has the columns"
            f" {', '.join(map(repr, table.columns))}; is the delimiter right?"
        )
    return mapping.key
