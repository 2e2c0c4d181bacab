"""A home to measure: temporary or kept, filled with a base of records by the bulk load."""

import csv
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from services.cli.bench.people import COLUMNS, People
from services.cli.bench.report import note, rate
from services.cli.home import Home, stop_home
from services.identity.domain.errors import UsageError
from services.linkage.keys import token_catalogue
from services.linkage.model import Key, LinkageModel
from services.linkage.shipped import shipped_model

NOTES_FILE = "bench.json"
SEED = 20_260_101
_COLUMN_OF_KEY = "record_id"


@contextmanager
def home_folder(kept: Path | None) -> Iterator[Path]:
    """The folder asked for, which stays, or one that goes. Its database is stopped in the end."""
    if kept is not None:
        try:
            yield kept
        finally:
            stop_home(kept)
        return
    folder = Path(tempfile.mkdtemp(prefix="plait-bench-"))
    try:
        yield folder / "home"
    finally:
        stop_home(folder / "home")
        shutil.rmtree(folder, ignore_errors=True)


def fill_base(
    home: Home, people: People, records: int, *, train: bool, keys: Sequence[Key] = ()
) -> dict[str, Any]:
    """Load the base, or find it there; its figures, and which run on it this is.

    `keys` are more than the shipped model has. Raises UsageError when the home holds another base,
    or anything else, and where there is no such key.
    """
    from services.cli.loading import load_into, require_empty

    found, told_keys = _notes(home), [list(key) for key in keys]
    if found is not None:
        if found["records"] != records:
            raise UsageError(f"this home holds a base of {found['records']} records; use another")
        if keys and told_keys != found.get("keys"):
            raise UsageError("this home was filled with other keys; use another")
        for _ in people.base(records):
            pass  # they are invented again, so that new records can be about them
        found |= {"run": found["run"] + 1, "reused": True}
        _keep(home, found)
        return found
    require_empty(home)
    home.ensure_default_sources()
    if keys:
        _add_keys(home, keys)
    note(f"inventing {records:,} records")
    file, mapping = write_base(home.path, people, records)
    note("loading them with --bulk")
    begun = time.perf_counter()
    report = load_into(
        home,
        file,
        source="base",
        mapping=mapping,
        bulk=True,
        train=train,
        at=home.clock.now(),
        again=False,
    )
    training = report.get("seconds_of_training", 0)
    seconds = time.perf_counter() - begun - training
    with home.connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    file.unlink()
    filled = {
        "records": records,
        "keys": told_keys,
        "run": 0,
        "reused": False,
        "seconds_of_training": training,
        "seconds": round(seconds, 1),
        "records_per_second": rate(records, seconds),
        "pairs_per_record": round(report["pairs"] / max(1, records), 2),
        "edges_per_record": round(report["edges"] / max(1, records), 2),
        "components": report["components"],
        "generic_keys": report["generic_keys"],
    }
    _keep(home, filled)
    return filled


def _add_keys(home: Home, keys: Sequence[Key]) -> None:
    """Activate the shipped model with these blocking keys, too."""
    from services.identity.adapters.sql import models

    model = LinkageModel.from_json(shipped_model().decode())
    known = {token.name for token in token_catalogue(model.spec)}
    unknown = sorted({token for key in keys for token in key} - known)
    if unknown:
        raise UsageError(f"no token {unknown[0]!r}; known are {', '.join(sorted(known))}")
    more = replace(model, keys=(*model.keys, *keys))
    document = more.to_json().encode()
    with home.connection() as connection:
        models.save_model(connection, more.version, document, {}, at=home.clock.now())
        models.activate(connection, more.version)


def _notes(home: Home) -> dict[str, Any] | None:
    file = home.path / NOTES_FILE
    return dict(json.loads(file.read_text())) if file.exists() else None


def _keep(home: Home, notes: dict[str, Any]) -> None:
    (home.path / NOTES_FILE).write_text(json.dumps(notes))


def write_base(folder: Path, people: People, records: int) -> tuple[Path, Path]:
    """The records as a CSV file, and the mapping it is loaded with."""
    file, mapping = folder / "base.csv", folder / "base.yaml"
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow([_COLUMN_OF_KEY, *COLUMNS])
        for number, row in enumerate(people.base(records)):
            writer.writerow([f"b{number:08}", *(row.values.get(name, "") for name in COLUMNS)])
    columns = {name: name for name in COLUMNS}
    mapping.write_text(yaml.safe_dump({"key": _COLUMN_OF_KEY, "columns": columns}))
    return file, mapping
