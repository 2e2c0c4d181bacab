"""`plait review`: what a person should look at, the largest expected effect first."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.cli.wishes import check


def register(app: typer.Typer) -> None:
    review = typer.Typer(help="What a person should look at.", no_args_is_help=True)
    review.command("list")(list_reviews)
    review.command("show")(show_review)
    app.add_typer(review, name="review")


def list_reviews(
    kind: Annotated[str | None, typer.Option("--kind", help="Items of this kind only.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=500)] = 100,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """The review queue. An item goes when a steward decides, or when its cause does."""
    only = "" if kind is None else f"&kind={quote(kind, safe='')}"
    status, body = ask(Home(home), "GET", f"/v1/reviews?limit={limit}{only}")
    check(status, body, as_json=as_json)
    lines = [
        f"{each['expected_effect']:>10.2f}  {each['kind']:<20} {each['id']}  {about(each)}"
        for each in body["reviews"]
    ]
    if body["more"]:
        lines.append("there are more; ask with a larger --limit")
    show(body, as_json=as_json, lines=lines or ["nothing is to be reviewed"])


def show_review(
    review: Annotated[str, typer.Argument(help="The item's id.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """One item; exit 1 when its cause is gone."""
    status, body = ask(Home(home), "GET", f"/v1/reviews/{quote(review, safe='')}")
    check(status, body, as_json=as_json)
    lines = [f"{body['kind']}  expected effect {body['expected_effect']}", f"  {about(body)}"]
    lines += [f"  {name}: {each}" for name, each in body["detail"].items()]
    show(body, as_json=as_json, lines=lines)


def about(item: dict[str, Any]) -> str:
    """The records, or what is known of a cause that is about none."""
    if not item["about"]:
        known = (name for name in item["detail"] if item["detail"][name] is not None)
        return ", ".join(f"{name} {item['detail'][name]}" for name in known)
    return " / ".join(f"{each['source']}/{each['kind']}/{each['key']}" for each in item["about"])
