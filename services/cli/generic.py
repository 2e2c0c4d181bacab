"""`plait generic`: the values that tie nobody, by their count or by a steward's word."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.cli.wishes import ByOption, ReasonOption, WaitOption, check, send

VERDICTS = {
    "mark": ("generic", "This value ties nobody, however few hold it."),
    "clear": ("not_generic", "This value ties, though many hold it: up to 1,000 records."),
    "reset": ("counted", "Take back what was said: the number of its holders decides again."),
}


def register(app: typer.Typer) -> None:
    generic = typer.Typer(help="Values that tie nobody.", no_args_is_help=True)
    generic.command("list")(list_generic)
    for name, (verdict, says) in VERDICTS.items():
        generic.command(name, help=says)(_word(verdict))
    generic.command("words")(list_words)
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
    check(status, body, as_json=as_json)
    lines = [_line(each) for each in body["generic"]]
    if body["more"]:
        lines.append("and more: these are the newest")
    show(body, as_json=as_json, lines=lines or ["no value is held by too many records"])


def _word(verdict: str) -> Callable[..., None]:
    """The command of one verdict."""

    def say(
        value: Annotated[str, typer.Argument(help="type:value, as in phone:+442079460000.")],
        *,
        reason: ReasonOption,
        by: ByOption = None,
        wait: WaitOption = True,
        home: HomeOption = DEFAULT_HOME,
        as_json: JsonOption = False,
    ) -> None:
        asked = {"value": value, "verdict": verdict, "reason": reason}
        body = send(Home(home), "/v1/steward/values", asked, by=by, wait=wait, as_json=as_json)
        lines = [f"{each['id']}  {each['type']}  {each['verdict']}" for each in body["words"]]
        show(body, as_json=as_json, lines=lines or ["was said before"])

    return say


def list_words(
    *,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print values: they may name people.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """What stewards said of values, and holds."""
    query = "?values=true" if show_values else ""
    status, body = ask(Home(home), "GET", f"/v1/steward/values{query}")
    check(status, body, as_json=as_json)
    lines = [
        f"{each['type']:<16}{each['verdict']:<12} {each.get('value') or each['key']}"
        f"  {each['by']}, {each['decided_at']}: {each['reason']}"
        for each in body["words"]
    ]
    show(body, as_json=as_json, lines=lines or ["no steward spoke of a value"])


def _line(each: dict[str, Any]) -> str:
    held = f"{each['holders']:>7} records, limit {each['holders_max']}"
    said = "  by a steward's word" if each["steward"] else ""
    name = each.get("value") or each["key"]
    return f"{each['type']:<16}{held}  since {each['since']}  {name}{said}"
