"""`plait load`, `resolve`, `replay`, `export`, `state-hash`: data in, through and out."""

import csv
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.heap import settle
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import progress_bar, show, tell
from services.cli.workers import worker_on
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros

if TYPE_CHECKING:
    from services.identity.store import ResolverStore
    from services.resolver.replay import Filter

WAIT_SECONDS_MAX = 3_600
EXPORT_COLUMNS = ("source", "key_kind", "record_key", "profile_id")


def register(app: typer.Typer) -> None:
    app.command()(load)
    app.command()(resolve)
    app.command()(replay)
    app.command("state-hash")(state_hash)
    export = typer.Typer(help="Write derived state to a file.", no_args_is_help=True)
    export.command()(assignments)
    app.add_typer(export, name="export")


def load(  # noqa: PLR0913, PLR0917  # the options of the command, as documented
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet.")],
    source: Annotated[str, typer.Option(help="The source these records come from.")],
    mapping: Annotated[Path, typer.Option(help="YAML file naming a field kind per column.")],
    bulk: Annotated[bool, typer.Option(help="First fill of an empty home, set-based.")] = False,
    train: Annotated[
        bool, typer.Option("--train", help="With --bulk: learn the model from the file first.")
    ] = False,
    at: Annotated[str | None, typer.Option(help="Instant of undated rows (RFC 3339).")] = None,
    again: Annotated[bool, typer.Option(help="Load a file that was loaded before.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Append a file's rows to the event log; rejects go to the dead letters."""
    from services.cli.loading import load_into

    started = time.monotonic()
    opened = Home(home)
    report = load_into(
        opened,
        file,
        source=source,
        mapping=mapping,
        bulk=bulk,
        train=train,
        at=instant(at),
        again=again,
    )
    report["seconds"] = round(time.monotonic() - started, 2)
    show(report, as_json=as_json, lines=[f"{name}: {value}" for name, value in report.items()])


def resolve(
    until_caught_up: Annotated[
        bool,
        typer.Option("--until-caught-up/--once", help="To the end of the log, or one batch only."),
    ] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Recompute from the stored events.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Land what is unread and resolve until nothing is dirty."""
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.rederive import rederive

    started = time.monotonic()
    opened = Home(home)
    result: dict[str, Any] = catch_up(opened) if until_caught_up else _turn_once(opened)
    if everything:
        store = SqlStore(opened.url)
        with progress_bar("records derived again") as progress:
            result["changed_states"] = rederive(
                store, opened.clock, from_events=True, progress=progress
            )
        store.close()
        result |= catch_up(opened)
    result["seconds"] = round(time.monotonic() - started, 2)
    show(result, as_json=as_json, lines=[f"{name}: {value}" for name, value in result.items()])


def _turn_once(home: Home) -> dict[str, Any]:
    with worker_on(home) as worker:
        busy = worker.turn()
    return {"resolved_by": "this command", "anything_done": busy}


def catch_up(home: Home) -> dict[str, Any]:
    """Everything landed and nothing dirty: by the home's running stack, or here.

    Raises UsageError when a running stack does not catch up within the bound.
    """
    if home.resolver() is not None:
        tell("the running resolver resolves; waiting for it")
        _wait_for_resolver(home)
        return {"resolved_by": "running stack"}
    settle()
    with worker_on(home) as worker, progress_bar("resolved") as progress:
        landed, resolved = worker.run_until_caught_up(progress)
    return {"resolved_by": "this command", "landed": landed, "resolved": resolved}


def _wait_for_resolver(home: Home) -> None:
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.consume import is_caught_up

    log, store = home.log(), SqlStore(home.url)
    try:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not is_caught_up(store, log):
            if time.monotonic() > deadline or home.resolver() is None:
                raise UsageError("the stack stopped or is too slow; see its stack.log")
            time.sleep(0.05)
    finally:
        store.close()
        log.close()


def replay(  # the options of the command, as documented
    since: Annotated[str | None, typer.Option("--from", help="From this instant on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this instant.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    key: Annotated[str | None, typer.Option(help="Of the records with this key only.")] = None,
    topic: Annotated[
        str | None,
        typer.Option(help="channel-events or identity-commands only; without it, both."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Read the log again, events and decisions, through the real land step; idempotent."""
    from services.resolver.replay import TOPICS, Filter

    if topic not in (None, *TOPICS):
        raise UsageError(f"--topic is one of {', '.join(TOPICS)}")
    topics = TOPICS if topic is None else (topic,)
    only = Filter(since=instant(since), until=instant(until), source=source, key=key, topics=topics)
    result = read_again(Home(home), only=only)
    show(result, as_json=as_json, lines=[f"{name}: {value}" for name, value in result.items()])


def read_again(home: Home, *, only: "Filter") -> dict[str, Any]:
    """Replay what the filter takes; what was read, what changed, the state hash before and after.

    Raises UsageError when a running stack does not catch up.
    """
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.replay import replay as read_log
    from services.resolver.state_hash import state_hash as hash_of

    catch_up(home)
    log, store = home.log(), SqlStore(home.url)
    with store.snapshot() as snapshot:
        before = hash_of(snapshot)
    with progress_bar("messages read") as progress:
        done = read_log(store, log, home.clock, only=only, progress=progress)
    catch_up(home)
    with store.snapshot() as snapshot:
        after = hash_of(snapshot)
    store.close()
    log.close()
    return {
        "read": done.read,
        "taken": done.taken,
        "commands": done.commands,
        "changes": done.changes,
        "refused": done.refused,
        "state_hash_before": before.value,
        "state_hash_after": after.value,
        "same": before.value == after.value,
    }


def state_hash(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """One hash over everything derived; exit 1 while something is dirty."""
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.state_hash import state_hash as hash_of

    opened = Home(home)
    store = SqlStore(opened.url)
    with store.snapshot() as snapshot:
        result = hash_of(snapshot)
    store.close()
    document = {
        "state_hash": result.value,
        "clean": result.is_clean,
        "records": result.records,
        "edges": result.edges,
        "profiles": result.profiles,
        "segment_memberships": result.memberships,
    }
    show(document, as_json=as_json, lines=[result.value if result.is_clean else "not resolved yet"])
    if not result.is_clean:
        raise typer.Exit(1)


def assignments(
    out: Annotated[Path, typer.Option(help="CSV or Parquet file to write.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Which record belongs to which profile: source, key_kind, record_key, profile_id."""
    from services.identity.adapters.sql.store import SqlStore

    store = SqlStore(Home(home).url)
    count = _write_assignments(store, out)
    store.close()
    show(
        {"file": str(out), "rows": count},
        as_json=as_json,
        lines=[f"{count} records written to {out}"],
    )


def _write_assignments(store: "ResolverStore", out: Path) -> int:
    with store.snapshot() as snapshot:
        rows = (
            (key.source, key.kind, key.key, profile)
            for key, _, profile in snapshot.records()
            if profile is not None
        )
        if out.suffix == ".parquet":
            return _write_parquet(rows, out)
        with out.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(EXPORT_COLUMNS)
            count = 0
            for count, row in enumerate(rows, start=1):  # noqa: B007  # the last count is the answer
                writer.writerow(row)
        return count


def _write_parquet(rows: Any, out: Path) -> int:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[object]] = {name: [] for name in EXPORT_COLUMNS}
    for row in rows:
        for name, value in zip(EXPORT_COLUMNS, row, strict=True):
            columns[name].append(value)
    table = pa.table(columns)
    pq.write_table(table, out)
    return int(table.num_rows)


def instant(text: str | None) -> Micros | None:
    """An RFC 3339 instant; raises UsageError for anything else."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no instant; write 2026-01-31T12:00:00Z") from None
    if at.tzinfo is None:
        raise UsageError(f"{text!r} has no time zone; write 2026-01-31T12:00:00Z")
    return Micros(round(at.timestamp() * 1_000_000))
