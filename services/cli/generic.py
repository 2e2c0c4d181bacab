"""`plait generic`: the values that too many records hold to tie any of them."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show

OK = 200


def register(app: typer.Typer) -> None:
    generic = typer.Typer(help="Values that tie nobody.", no_args_is_help=True)
    generic.command("list")(list_generic)
    app.add_typer(generic, name="generic")


def list_generic(
    *,
    blocking: Annotated[
        bool, typer.Option("--blocking", help="Keys of the model instead of identifiers.")
    ] = False,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print values: they may name people.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Identifiers that more records hold than their limit, most holders first."""
    asked = {"blocking": blocking, "values": show_values}
    query = urlencode({name: "true" for name, is_asked in asked.items() if is_asked})
    status, body = ask(Home(home), "GET", f"/v1/generic?{query}")
    if status != OK:
        show(body, as_json=as_json, lines=[f"{body.get('code')}: {body.get('detail')}"])
        raise typer.Exit(1)
    lines = [_line(each) for each in body["generic"]]
    if body["more"]:
        lines.append("and more: these are the newest")
    show(body, as_json=as_json, lines=lines or ["no value is held by too many records"])


def _line(each: dict[str, Any]) -> str:
    held = f"{each['holders']:>7} records, limit {each['holders_max']}"
    return f"{each['type']:<16}{held}  since {each['since']}  {each.get('value') or each['key']}"
