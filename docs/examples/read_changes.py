# ruff: noqa: INP001, T201  # a script to read and to copy: in no package, and it prints
"""Copy every change of every profile into a SQLite file: each once, in order, whatever happens.

    python docs/examples/read_changes.py --kafka 127.0.0.1:9092 changes.sqlite

What was done, how far each profile is and where to read on are kept in one transaction. So it may
be stopped, killed and started again at any moment. It ends when it has read everything.
"""

import argparse
import json
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.embedded.log import EmbeddedLog
from services.identity.adapters.kafka.log import KafkaLog
from services.identity.domain.ids import Micros
from services.identity.ports import EventLog, Partition
from services.identity.wire.feed import Batch, FeedReader

TABLES = """
CREATE TABLE IF NOT EXISTS change (
  profile TEXT, sequence INTEGER, type TEXT, data TEXT, PRIMARY KEY (profile, sequence));
CREATE TABLE IF NOT EXISTS read_on (
  topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY (topic, part));
"""
PATIENCE = 60_000_000  # microseconds after which a missing change is told


class Copy:
    """The SQLite file: what a reader of your own would keep beside what it does."""

    def __init__(self, path: str) -> None:
        self._file = sqlite3.connect(path)
        self._file.executescript(TABLES)

    def last_done(self, profile: str) -> int:
        query = "SELECT coalesce(max(sequence), 0) FROM change WHERE profile = ?"
        return int(self._file.execute(query, (profile,)).fetchone()[0])

    def start(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        rows = self._file.execute("SELECT topic, part, next FROM read_on").fetchall()
        found = {Partition(topic, index): offset for topic, index, offset in rows}
        return {each: found.get(each, 0) for each in partitions}

    def keep(self, batch: Batch) -> None:
        with self._file:  # one transaction
            self._file.executemany(
                "INSERT INTO change VALUES (?, ?, ?, ?)",
                [(c.profile_id, c.sequence, c.type, json.dumps(c.data)) for c in batch.changes],
            )
            self._file.executemany(
                "INSERT OR REPLACE INTO read_on VALUES (?, ?, ?)",
                [(each.topic, each.index, at) for each, at in batch.next_offsets.items()],
            )

    def close(self) -> None:
        self._file.close()


def read(log: EventLog, path: str) -> int:
    """How many changes were missing when everything was read."""
    with closing(Copy(path)) as copy:
        reader = FeedReader(log, group="read-changes", start=copy.start, last_done=copy.last_done)
        with closing(reader):
            is_done = False
            while not is_done:
                batch = reader.poll()
                copy.keep(batch)
                is_done = not batch.changes and reader.is_at_end()
            gaps = reader.gaps(held_before=Micros(SystemClock().now() - PATIENCE))
        for gap in gaps:
            print(f"{gap.profile_id}: {gap.first} to {gap.last} are missing", file=sys.stderr)
        return len(gaps)


def open_log(arguments: argparse.Namespace) -> EventLog:
    if arguments.kafka is not None:
        return KafkaLog(arguments.kafka)
    return EmbeddedLog(arguments.database, clock=SystemClock())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--kafka", help="bootstrap servers")
    where.add_argument("--database", help="URL of a database with the embedded log")
    parser.add_argument("path", help="of the SQLite file")
    arguments = parser.parse_args()
    return 1 if read(open_log(arguments), arguments.path) else 0


if __name__ == "__main__":
    raise SystemExit(main())
