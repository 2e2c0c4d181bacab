"""`plait demo`: the command, its options and what it prints last."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import print_json, tell
from services.cli.ports import API_PORT, INGEST_PORT, Ports
from services.cli.up import IngestPortOption, PortOption
from services.identity.domain.errors import UsageError

PEOPLE = 10_000
EXTRA = ("faker", "segment", "httpx2")  # what `plait[demo]` installs


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(  # the options of the command, as documented
    home: HomeOption = DEFAULT_HOME,
    people: Annotated[
        int, typer.Option(help="Synthetic people after the story; 0 leaves them out.", min=0)
    ] = PEOPLE,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="On a Kafka broker started here (Java 17, Maven).")
    ] = False,
    fixed: Annotated[
        bool,
        typer.Option(
            "--fixed",
            help="Post the SDK's messages without its time of sending: the state hash is then the"
            " same at every run.",
        ),
    ] = False,
    port: PortOption = None,
    ingest_port: IngestPortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Four channels become one profile: a story, a population, a report, and every check.

    The home is made anew at each run, and only if it is empty or holds nothing but an earlier
    demo; any other is refused. The stack stays up; `plait down` stops it. Exit 1: a check failed.
    """
    if not all(find_spec(name) for name in EXTRA):
        raise UsageError("the demo needs more than is installed: pip install 'plait[demo]'")
    from services.cli.demo import narrate
    from services.cli.demo.run import run_demo

    result = run_demo(
        home,
        people=people,
        kafka=kafka,
        fixed=fixed,
        ports=Ports(api=port or API_PORT, ingest=ingest_port or INGEST_PORT),
        say=tell if as_json else typer.echo,
    )
    if as_json:
        print_json(result)
    else:
        lines = ["\nchecks", *narrate.check_lines(result["checks"]), *_where_to_look(result, home)]
        typer.echo("\n".join(lines))
    if not result["passed"]:
        raise typer.Exit(1)


def _where_to_look(result: Mapping[str, Any], home: Path) -> list[str]:
    seconds, url, key = result["seconds"], result["profile_url"], result["api_key"]
    verdict = "everything holds" if result["passed"] else "SOMETHING DOES NOT HOLD"
    story = seconds["ready"] + seconds["story"]
    return [
        f"\n{verdict}; the story took {story:.1f} s, all of it {seconds['all']:.1f} s",
        f"  her profile   {url}",
        f"  API docs      {result['docs']}",
        f"  API key       {key}",
        f"  try           curl -H 'Authorization: Bearer {key}' '{url}'",
        f"  the stack stays up; `plait down --home {home}` stops it",
    ]
