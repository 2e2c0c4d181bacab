"""`plait train` and `plait model`: learn a model from what was loaded, and which one is active."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.data import catch_up
from services.cli.home import Home
from services.cli.loading import declare, learn_from, read_mapping
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import progress_bar, show, tell
from services.cli.workers import worker_on
from services.identity.adapters.clock import SystemClock
from services.identity.domain.errors import UsageError

if TYPE_CHECKING:
    from services.linkage.training.train import Trained


_SKIPPED: Mapping[str, str] = MappingProxyType(
    {
        "torn_line": "lines without the cells of the header, or with a quote that never ends",
        "bad_encoding": "lines that are not in the declared encoding",
        "too_large": "lines too long to be a row",
        "broken_json": "lines that are not whole JSON",
        "not_an_object": "lines that are JSON, but not one {...}",
        "no_identifier": "rows without a value in the column that identifies a record",
        "illegal_identifier": "rows whose key cannot be one: too long, or with control characters",
        "bad_time": "rows whose time cannot be read",
    }
)
"""Why rows were left out, in plain words."""


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command("models")(list_models)
    app.command("model-report")(report_model)


def train(
    source: Annotated[
        list[str] | None, typer.Option(help="Learn from these sources only; repeatable.")
    ] = None,
    activate: Annotated[
        bool, typer.Option(help="Make it the active model even where profiles were told.")
    ] = False,
    base_size: Annotated[
        int | None,
        typer.Option(min=2, help="Records the model will meet, where these are the first of them."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Learn from this file, which need not be loaded.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="With --file: the mapping that says what its columns are.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Learn blocking keys, weights and prior from what was loaded, or from a file; no labels."""
    started = time.monotonic()
    if file is not None and mapping is not None and not source:
        trained, seconds = _timed(lambda: _learn_from_file(file, mapping, base_size))
        opened = Home(home)  # only now: a file that is refused starts no database
    elif file is None and mapping is None:
        opened = Home(home)
        land_unread(opened)
        trained, seconds = _timed(lambda: _learn_from_store(opened, source or (), base_size))
    else:
        raise UsageError("--file goes with --mapping, and without --source")
    version = trained.model.version
    becomes_active = keep(opened, trained, activate=activate)
    if becomes_active:
        derive_again(opened)
    result: dict[str, Any] = {
        "model_version": version,
        "active": becomes_active,
        "seconds": round(time.monotonic() - started, 2),
        "seconds_of_training": round(seconds, 2),
        "report": trained.report,
    }
    show(
        result,
        as_json=as_json,
        lines=[
            f"model {version} learned in {result['seconds']} s",
            *_told_of_rows(trained.report),
            "it is active"
            if becomes_active
            else "it is kept; this home has told profile ids, so activate it with --activate",
        ],
    )


def _timed(learn: Callable[[], "Trained"]) -> tuple["Trained", float]:
    begun = time.monotonic()
    return learn(), time.monotonic() - begun


def _told_of_rows(report: dict[str, Any]) -> list[str]:
    """Of a file: how many rows it has, and what of it was left out."""
    if "rows_read" not in report:
        return []
    lines = [f"{report['rows_read']:,} rows read"]
    for reason, count in report["rows_skipped"].items():
        lines.append(f"{count:,} skipped: {_SKIPPED.get(reason, reason)}")
    return lines


def _learn_from_file(file: Path, mapping: Path, base_size: int | None) -> "Trained":
    declared = declare("file", read_mapping(mapping))
    return learn_from(SystemClock(), file, declared, base_size=base_size)


def _learn_from_store(home: Home, names: Collection[str], base_size: int | None) -> "Trained":
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.train import train_on

    store = SqlStore(home.url)
    try:
        return train_on(store, names=names, base_size=base_size, progress=tell)
    finally:
        store.close()


def keep(home: Home, trained: "Trained", *, activate: bool) -> bool:
    """Keep a model; whether it is the active one now: at once where no profile id was told."""
    from services.identity.adapters.sql import models

    version = trained.model.version
    with home.connection() as connection:
        models.save_model(
            connection,
            version,
            trained.model.to_json().encode(),
            trained.report,
            at=home.clock.now(),
        )
        becomes_active = activate or not models.has_told(connection)
        if becomes_active:
            models.activate(connection, version)
    return becomes_active


def land_unread(home: Home) -> None:
    """Land what the log holds, without resolving it: training needs records, not profiles."""
    if home.resolver() is not None:
        catch_up(home)
        return
    with worker_on(home) as worker, progress_bar("messages landed") as progress:
        worker.land_until_end(progress)


def derive_again(home: Home) -> None:
    """Features and keys of every record under the active model; all of them become dirty."""
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.rederive import rederive

    store = SqlStore(home.url)
    with progress_bar("records keyed again") as progress:
        rederive(store, home.clock, from_events=False, progress=progress)
    store.close()


def list_models(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """The model versions of a home, oldest first."""
    from services.identity.adapters.sql import models

    with Home(home).connection() as connection:
        rows = models.list_models(connection)
    document = [
        {"version": version, "created_at": _text(created), "active": active}
        for version, created, active in rows
    ]
    show(
        {"models": document},
        as_json=as_json,
        lines=[
            f"{row['version']}  {row['created_at']}{'  active' if row['active'] else ''}"
            for row in document
        ],
    )


def report_model(
    version: Annotated[
        str | None, typer.Argument(help="A model version; the active one without it.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report with its pictures to this file.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """What a model learned and why: as JSON, or as one HTML page with pictures."""
    from services.identity.adapters.sql import models
    from services.linkage.report_page import report_page

    with Home(home).connection() as connection:
        wanted = version or models.active_version(connection)
        report = models.report_of(connection, wanted or "")
    if "shipped" in report:
        report = shipped_report()
    if html is not None:
        html.write_text(report_page(report), encoding="utf-8")
    lines = [f"model {wanted}"]
    lines.append(f"written to {html}" if html else "--html FILE writes it with its pictures")
    show({"version": wanted, "report": report}, as_json=as_json, lines=lines)


def shipped_report() -> dict[str, Any]:
    """The report of the model that every home begins with."""
    text = files("services.linkage.models").joinpath("customer.v1.report.json")
    return dict(json.loads(text.read_text(encoding="utf-8")))


def _text(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="seconds")
