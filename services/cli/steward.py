"""`plait steward`: say who is one person and who is two, list what was said, take it back."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.cli.wishes import ByOption, ReasonOption, WaitOption, check, send

PAGE = 100
Side = Annotated[
    str, typer.Argument(help="A profile id, type:value, or a record as source/kind/key.")
]
VERDICTS = {
    "same": "Both are one person, whatever the model says; exit 1 where a decision says otherwise.",
    "different": "They are two people: un-merge them, and never merge them again.",
}


def register(app: typer.Typer) -> None:
    steward = typer.Typer(help="A person's word on who is who.", no_args_is_help=True)
    for verdict, says in VERDICTS.items():
        steward.command(verdict, help=says)(_verdict(verdict))
    steward.command("list")(list_decisions)
    steward.command()(withdraw)
    app.add_typer(steward, name="steward")


def _verdict(verdict: str) -> Callable[..., None]:
    """The command of one verdict; they differ in what they say, and ask alike."""

    def decide(
        a: Side,
        b: Side,
        *,
        reason: ReasonOption,
        by: ByOption = None,
        wait: WaitOption = True,
        home: HomeOption = DEFAULT_HOME,
        as_json: JsonOption = False,
    ) -> None:
        asked = {"verdict": verdict, "left": a, "right": b, "reason": reason}
        path = "/v1/steward/decisions"
        body = send(Home(home), path, asked, by=by, wait=wait, as_json=as_json)
        decision = body["decision"]
        said = "decided" if body["created"] else "stands already"
        sides = " / ".join(_side(decision[each]) for each in ("left", "right"))
        show(body, as_json=as_json, lines=[f"{decision['id']}  {verdict}  {sides}: {said}"])

    return decide


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
    path = f"/v1/steward/decisions/{quote(decision, safe='')}/withdrawal"
    asked = {"reason": reason}
    body = send(Home(home), path, asked, by=by, wait=wait, as_json=as_json)
    said = "withdrawn" if body["created"] else "was withdrawn before"
    show(body, as_json=as_json, lines=[f"{body['decision_id']}  {said}"])


def list_decisions(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every decision, the latest first, and whether it holds."""
    opened, decisions, cursor = Home(home), list[dict[str, Any]](), ""
    while True:
        status, body = ask(opened, "GET", f"/v1/steward/decisions?limit={PAGE}{cursor}")
        check(status, body, as_json=as_json)
        decisions += body["decisions"]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    lines = [line for each in decisions for line in _lines(each)]
    show({"decisions": decisions}, as_json=as_json, lines=lines or ["nothing was decided yet"])


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
