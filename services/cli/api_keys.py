"""`plait keys`: who may ask the profile API, and for what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.home import Home
from services.cli.keys import API_KEY, forget_key, keys_locked
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.identity.domain.errors import UsageError
from services.identity.domain.instants import instant_of

if TYPE_CHECKING:  # the API's libraries are not installed where only another service runs
    from services.profile_api.auth import Scope


def register(app: typer.Typer) -> None:
    keys = typer.Typer(help="API keys.", no_args_is_help=True)
    keys.command()(add)
    keys.command("list")(list_keys)
    keys.command()(revoke)
    app.add_typer(keys, name="keys")


def add(
    *,
    scope: Annotated[
        list[str], typer.Option(help="What it may do, as `profiles:read`; once for each.")
    ],
    label: Annotated[str, typer.Option(help="Whose it is.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make an API key and print it: it is shown this once, and kept as its hash only."""
    scopes = _scopes(scope)
    made = Home(home).add_api_key(scopes, label=label)
    document = {
        "id": made.stored.prefix,
        "label": label,
        "scopes": sorted(made.stored.scopes),
        "key": made.text,
    }
    show(document, as_json=as_json, lines=[f"API key {made.stored.prefix}: {made.text}"])


def list_keys(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every API key with its id, its scopes and whose it is; the keys themselves nobody has."""
    from services.identity.adapters.sql.admin import api_keys

    with Home(home).connection() as connection:
        found = api_keys(connection)
    document = [
        {
            "id": each.prefix,
            "label": each.label,
            "scopes": sorted(each.scopes),
            "created_at": str(instant_of(each.created_at)),
        }
        for each in found
    ]
    lines = [
        f"{each.prefix}  {each.label:<16} {' '.join(sorted(each.scopes))}"
        f"  since {instant_of(each.created_at):%Y-%m-%d}"
        for each in found
    ]
    show({"keys": document}, as_json=as_json, lines=lines or ["no API keys yet"])


def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `plait keys list`.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Take an API key back: every API refuses it within seconds. Exit 1 when there is none."""
    from services.identity.adapters.sql.admin import revoke_api_key

    opened = Home(home)
    with opened.connection() as connection:
        was_there = revoke_api_key(connection, key)
    with keys_locked(opened.path):
        if opened.keys().get(API_KEY, "").startswith(f"plait_{key}_"):
            forget_key(opened.path, API_KEY)  # the home's own: the next start makes another
    show(
        {"id": key, "revoked": was_there},
        as_json=as_json,
        lines=["revoked" if was_there else "no key has this id"],
    )
    if not was_there:
        raise typer.Exit(1)


def _scopes(texts: Sequence[str]) -> "frozenset[Scope]":
    from services.profile_api.auth import Scope

    known = {each.value for each in Scope}
    unknown = sorted(set(texts) - known)
    if unknown:
        raise UsageError(f"no scope {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return frozenset(map(Scope, texts))
