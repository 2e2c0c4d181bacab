"""`plait account`: a billing account, an organisation or a household, with who is in it."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.look import OK
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import problem_lines, show


def register(app: typer.Typer) -> None:
    app.command()(account)
    app.command()(accounts)


def account(
    ref: Annotated[
        str, typer.Argument(help="An account id, account_number:VALUE or group_id:VALUE.")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """One account, as the API answers it; exit 1 when there is none or there are several."""
    status, body = ask(Home(home), "GET", f"/v1/accounts/{quote(ref, safe=':@/')}")
    _show(status, body, as_json=as_json, lines=_account_lines)


def accounts(
    who: Annotated[str, typer.Argument(help="A profile id, or type:value.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """The accounts that a person is in, and her household."""
    status, body = ask(Home(home), "GET", f"/v1/profiles/{quote(who, safe=':@/')}/accounts")
    _show(status, body, as_json=as_json, lines=_person_lines)


def _show(
    status: int,
    body: dict[str, Any],
    *,
    as_json: bool,
    lines: Callable[[dict[str, Any]], list[str]],
) -> None:
    if status == OK:
        show(body, as_json=as_json, lines=lines(body))
        return
    found = [f"  account {each}" for each in body.get("accounts", [])]
    show(body, as_json=as_json, lines=[*problem_lines(body), *found])
    raise typer.Exit(1)


def _account_lines(body: dict[str, Any]) -> list[str]:
    return [
        _title(body),
        *(
            f"  member {each['profile_id']}  {', '.join(each['roles']) or 'of the household'}"
            f"  confidence {each['identity_confidence']}"
            for each in body["members"]
        ),
        *(
            f"  {'holds' if each['active'] else 'held'}  {each['product']}"
            f"  {each['price'] or ''} {each['currency'] or ''}".rstrip()
            for each in body["holdings"]
        ),
        *_sums(body["value"]),
        *(["  a building: too many people to be one household"] if body["building"] else []),
        *([] if body["complete"] else ["  more records are in it than were read"]),
    ]


def _person_lines(body: dict[str, Any]) -> list[str]:
    home = body["household"]
    found = [*body["accounts"], *([home] if home else [])]
    lines = [
        f"{_title(each)}  {', '.join(each['roles'])}  {each['member_count']} members"
        for each in found
    ]
    return lines or ["no accounts"]


def _title(body: dict[str, Any]) -> str:
    return f"{body['type']} {body['name']}  {body['account_id']}"


def _sums(value: dict[str, dict[str, str]]) -> list[str]:
    return [
        f"  {what}  {amount} {currency}".rstrip()
        for what, sums in value.items()
        for currency, amount in sums.items()
    ]
