"""What stewards' commands have in common: who says so and why, and that it holds when they end."""

import getpass
from typing import Annotated, Any

import typer

from services.cli.ask import ask
from services.cli.data import catch_up
from services.cli.home import Home
from services.cli.output import problem_lines, show

OK = 200
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who decides; usually the user of this machine.")
]
WaitOption = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Return when the decision holds, or when it is sent."),
]


def send(
    home: Home, path: str, asked: dict[str, str], *, by: str | None, wait: bool, as_json: bool
) -> dict[str, Any]:
    """Ask for a decision; ends the command with 1 where it is refused."""
    if wait:
        catch_up(home)  # so that what was decided before is known
    status, body = ask(home, "POST", path, asked | {"by": by or _user()})
    check(status, body, as_json=as_json)
    if wait and body["created"]:
        catch_up(home)
    return body


def check(status: int, body: dict[str, Any], *, as_json: bool) -> None:
    if status != OK:
        show(body, as_json=as_json, lines=problem_lines(body))
        raise typer.Exit(1)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "command line"
