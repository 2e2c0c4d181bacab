"""`plait bench resolver | ingest | api | backlog | train`: figures, no verdicts."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import JsonOption

KeptHome = Annotated[
    Path | None, typer.Option("--home", help="Keep the data here and use it again.")
]


def register(app: typer.Typer) -> None:
    bench = typer.Typer(help="Measure this machine.", no_args_is_help=True)
    bench.command()(resolver)
    bench.command()(ingest)
    bench.command()(api)
    bench.command()(backlog)
    bench.command()(train)
    app.add_typer(bench, name="bench")


def resolver(  # noqa: PLR0913, PLR0917  # the options of the command, as documented
    base: Annotated[int, typer.Option(min=1, help="Records there before.")] = 100_000,
    records: Annotated[int, typer.Option(min=10, help="New records of one measurement.")] = 10_000,
    rate: Annotated[float, typer.Option(min=1, help="Events/s while latency is measured.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="How long that lasts.")] = 30,
    train: Annotated[
        bool, typer.Option("--train", help="With a model learned from the base.")
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A blocking key more than the model has, as `s` or `g3+d0`: more pairs."),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(help="Measure on Kafka too: bootstrap servers, or `local` to start a broker."),
    ] = None,
    home: KeptHome = None,
    as_json: JsonOption = False,
) -> None:
    """Records a second, where the time goes, and from event to profile.

    With `--kafka` on the embedded log and on Kafka, side by side, over one and the same base.
    """
    from services.cli.bench.report import tell
    from services.cli.bench.resolver import Sizes, bench_resolver

    keys = tuple(tuple(each.split("+")) for each in key or ())
    sizes = Sizes(
        base=base, records=records, per_second=rate, seconds=seconds, train=train, keys=keys
    )
    figures = bench_resolver(home, sizes, kafka=kafka)
    shown = {
        "base": base,
        "records": records,
        "rate": rate,
        "seconds": seconds,
        "train": train,
        "keys": key or [],
        "kafka": kafka,
    }
    tell("resolver", sizes=shown, figures=figures, as_json=as_json)


def ingest(
    events: Annotated[int, typer.Option(min=500, help="Events of one measurement.")] = 10_000,
    home: KeptHome = None,
    as_json: JsonOption = False,
) -> None:
    """Events a second through the collector, single and in batches."""
    from services.cli.bench.ingest import bench_ingest
    from services.cli.bench.report import tell

    figures = bench_ingest(home, events)
    tell("ingest", sizes={"events": events}, figures=figures, as_json=as_json)


def api(
    rate: Annotated[float, typer.Option(min=1, help="Reads/s.")] = 500,
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 20,
    profiles: Annotated[int, typer.Option(min=10, help="Profiles there, about.")] = 10_000,
    home: KeptHome = None,
    as_json: JsonOption = False,
) -> None:
    """Profile reads and decisions at a fixed rate, and how soon the stack is ready."""
    from services.cli.bench.api import Sizes, bench_api
    from services.cli.bench.report import tell

    figures = bench_api(home, Sizes(per_second=rate, seconds=seconds, profiles=profiles))
    shown = {"rate": rate, "seconds": seconds, "profiles": profiles}
    tell("api", sizes=shown, figures=figures, as_json=as_json)


def backlog(
    events: Annotated[int, typer.Option(min=500, help="Events that wait.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="How long the resolver works.")] = 120,
    kafka: Annotated[
        str | None, typer.Option(help="Bootstrap servers, or `local`; else the embedded log.")
    ] = None,
    home: KeptHome = None,
    as_json: JsonOption = False,
) -> None:
    """Memory of every service while a long backlog waits; it need not be drained."""
    from services.cli.bench.backlog import Sizes, bench_backlog
    from services.cli.bench.report import tell

    figures = bench_backlog(home, Sizes(events=events, seconds=seconds), kafka=kafka)
    tell("backlog", sizes={"events": events, "seconds": seconds}, figures=figures, as_json=as_json)


def train(
    records: Annotated[int, typer.Option(min=100, help="Records to learn from.")] = 100_000,
    home: KeptHome = None,
    as_json: JsonOption = False,
) -> None:
    """Time and memory of `plait train`, as a process of its own on records that are landed."""
    from services.cli.bench.report import tell
    from services.cli.bench.training import bench_training

    figures = bench_training(home, records)
    tell("train", sizes={"records": records}, figures=figures, as_json=as_json)
