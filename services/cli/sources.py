"""`plait source`: who may send, and as which channel."""

from typing import Annotated

import typer

from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.identity.domain.ids import SourceName
from services.identity.domain.source import Source


def register(app: typer.Typer) -> None:
    source = typer.Typer(help="Declare senders.", no_args_is_help=True)
    source.command()(add)
    source.command("list")(list_sources)
    app.add_typer(source, name="source")


def add(  # the options of the command, as documented
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    channel: Annotated[str, typer.Option(help="web, app, call_centre, billing, or another.")],
    workspace: Annotated[
        str | None,
        typer.Option(help="Where its user, anonymous and account ids count; default its name."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="ISO 3166 country of national phone numbers.")
    ] = None,
    trust: Annotated[int, typer.Option(help="Higher wins where trust decides.")] = 0,
    unique: Annotated[bool, typer.Option(help="No two of its records are one person.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a source and print its write key."""
    source = Source(
        name=SourceName(name),
        channel=channel,
        workspace=workspace or name,
        region=region,
        trust=trust,
        unique=unique,
    )
    write_key = Home(home).add_source(source)
    show({"name": name, "write_key": write_key}, as_json=as_json, lines=[f"write key: {write_key}"])


def list_sources(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every declared source."""
    from services.identity.adapters.sql.sources import SqlSources

    sources = SqlSources(Home(home).url)
    every = sources.every()
    sources.close()
    document = [
        {
            "name": each.name,
            "channel": each.channel,
            "workspace": each.workspace,
            "region": each.region,
            "trust": each.trust,
            "unique": each.unique,
            "mapped": each.mapping is not None,
        }
        for each in every
    ]
    lines = [f"{each.name:<16} {each.channel:<12} workspace {each.workspace}" for each in every]
    show({"sources": document}, as_json=as_json, lines=lines or ["no sources yet"])
