"""`plait steward`: say who is one person and who is two, list what was said, take it back."""

import getpass
from typing import Annotated, Any

import typer

from services.cli.ask import ask
from services.cli.data import catch_up
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show

OK = 200
PAGE = 100
Side = Annotated[
    str, typer.Argument(help="A profile id, type:value, or a record as source/kind/key.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who decides; usually the user of this machine.")
]
WaitOption = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Return when the decision holds, or when it is sent."),
]


def register(app: typer.Typer) -> None:
    steward = typer.Typer(help="A person's word on who is who.", no_args_is_help=True)
    steward.command()(same)
    steward.command()(different)
    steward.command("list")(list_decisions)
    steward.command()(withdraw)
    app.add_typer(steward, name="steward")


def same(
    a: Side,
    b: Side,
    *,
    reason: ReasonOption,
    by: ByOption = None,
    wait: WaitOption = True,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Both are one person, whatever the model says; exit 1 when a decision stands against it."""
    _decide(Home(home), "same", a, b, reason=reason, by=by, wait=wait, as_json=as_json)


def different(
    a: Side,
    b: Side,
    *,
    reason: ReasonOption,
    by: ByOption = None,
    wait: WaitOption = True,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """They are two people: un-merge them, and never merge them again."""
    _decide(Home(home), "different", a, b, reason=reason, by=by, wait=wait, as_json=as_json)


def _decide(
    home: Home,
    verdict: str,
    a: str,
    b: str,
    *,
    reason: str,
    by: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    asked = {"verdict": verdict, "left": a, "right": b, "reason": reason, "by": by or _user()}
    body = _send(home, "/v1/steward/decisions", asked, wait=wait, as_json=as_json)
    decision = body["decision"]
    said = "decided" if body["created"] else "stands already"
    sides = " / ".join(_side(decision[each]) for each in ("left", "right"))
    show(body, as_json=as_json, lines=[f"{decision['id']}  {verdict}  {sides}: {said}"])


def withdraw(
    decision: Annotated[str, typer.Argument(help="The decision's id.")],
    *,
    reason: ReasonOption,
    by: ByOption = None,
    wait: WaitOption = True,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Take a decision back: all is as if it had never been made."""
    path = f"/v1/steward/decisions/{decision}/withdrawal"
    asked = {"reason": reason, "by": by or _user()}
    body = _send(Home(home), path, asked, wait=wait, as_json=as_json)
    said = "withdrawn" if body["created"] else "was withdrawn before"
    show(body, as_json=as_json, lines=[f"{body['decision_id']}  {said}"])


def list_decisions(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every decision, the latest first, and whether it holds."""
    opened, decisions, cursor = Home(home), list[dict[str, Any]](), ""
    while True:
        status, body = ask(opened, "GET", f"/v1/steward/decisions?limit={PAGE}{cursor}")
        _check(status, body, as_json=as_json)
        decisions += body["decisions"]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    lines = [line for each in decisions for line in _lines(each)]
    show({"decisions": decisions}, as_json=as_json, lines=lines or ["nothing was decided yet"])


def _send(
    home: Home, path: str, asked: dict[str, str], *, wait: bool, as_json: bool
) -> dict[str, Any]:
    if wait:
        catch_up(home)  # so that what was decided before is known
    status, body = ask(home, "POST", path, asked)
    _check(status, body, as_json=as_json)
    if wait and body["created"]:
        catch_up(home)
    return body


def _check(status: int, body: dict[str, Any], *, as_json: bool) -> None:
    if status != OK:
        show(body, as_json=as_json, lines=[f"{body.get('code')}: {body.get('detail')}"])
        raise typer.Exit(1)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "command line"


def _lines(decision: dict[str, Any]) -> list[str]:
    sides = " / ".join(_side(decision[each]) for each in ("left", "right"))
    lines = [
        f"{decision['id']}  {decision['verdict']:<9}  {decision['force']:<9}  {sides}",
        f"    {decision['by']}, {decision['decided_at']}: {decision['reason']}",
    ]
    if decision["against"]:
        lines.append(f"    contradicts {', '.join(decision['against'])}")
    return lines


def _side(records: list[dict[str, str]]) -> str:
    first = records[0]
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    return f"{first['source']}/{first['kind']}/{first['key']}{more}"
