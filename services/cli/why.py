"""`plait explain`, `why-not`, `how`: why records stand together, or apart, as the API tells it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.look import OK
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import problem_lines, show
from services.identity.domain.errors import UsageError
from services.identity.domain.explained import limit_words

A_HELP = "A record as source/kind/key, type:value of an identifier, or a profile id."
ValuesOption = Annotated[
    bool, typer.Option("--show-values", help="Print values and keys: they may name people.")
]
SvgOption = Annotated[
    Path | None, typer.Option("--svg", help="Write the answer as a picture to this file, too.")
]


def register(app: typer.Typer) -> None:
    app.command()(explain)
    app.command()(why_not)
    app.command()(how)


def explain(  # the options of the command, as documented
    *,
    a: Annotated[str, typer.Argument(metavar="A", help=A_HELP)],
    b: Annotated[str | None, typer.Argument(metavar="B", help="The other; as A.")] = None,
    show_values: ValuesOption = False,
    svg: SvgOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Why A and B are one person, step by step; of A alone, as `how` tells it. Exit 1: not."""
    if b is None:
        _tell_how(Home(home), a, show_values=show_values, svg=svg, as_json=as_json)
        return
    query = _query(a=a, b=b, values=show_values)
    status, body = ask(Home(home), "GET", f"/v1/explain?{query}")
    show(
        body, as_json=as_json, lines=list(explained_lines(body)) if status == OK else _refused(body)
    )
    if status != OK:
        raise typer.Exit(1)
    _draw(svg, body, "explained")


def why_not(  # the options of the command, as documented
    *,
    a: Annotated[str, typer.Argument(metavar="A", help=A_HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; as A.")],
    show_values: ValuesOption = False,
    svg: SvgOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Why A and B are not one person: the first reason that held. Exit 1: they are."""
    query = _query(a=a, b=b, values=show_values)
    status, body = ask(Home(home), "GET", f"/v1/why-not?{query}")
    show(body, as_json=as_json, lines=list(apart_lines(body)) if status == OK else _refused(body))
    if status != OK:
        raise typer.Exit(1)
    _draw(svg, body, "why_not")


def how(  # the options of the command, as documented
    *,
    who: Annotated[str, typer.Argument(metavar="PROFILE", help=A_HELP)],
    show_values: ValuesOption = False,
    svg: SvgOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """How a profile came to be, join by join; exit 1 when there is none or there are several."""
    _tell_how(Home(home), who, show_values=show_values, svg=svg, as_json=as_json)


def _tell_how(home: Home, who: str, *, show_values: bool, svg: Path | None, as_json: bool) -> None:
    path = f"/v1/profiles/{quote(who, safe=':@/')}/how?{_query(values=show_values)}"
    status, body = ask(home, "GET", path)
    show(body, as_json=as_json, lines=list(how_lines(body)) if status == OK else _refused(body))
    if status != OK:
        raise typer.Exit(1)
    _draw(svg, body, "how")


def _draw(file: Path | None, body: Mapping[str, Any], what: str) -> None:
    """The picture that the API would answer."""
    if file is None:
        return
    from services.profile_api.pictures import pages

    draw = {
        "explained": pages.picture_of_explained,
        "why_not": pages.picture_of_why_not,
        "how": pages.picture_of_how,
    }[what]
    try:
        file.write_text(draw(body), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def _query(*, values: bool, **names: str) -> str:
    return urlencode(names | ({"values": "true"} if values else {}))


def _refused(body: Mapping[str, Any]) -> list[str]:
    lines = problem_lines(dict(body))
    lines.extend(f"  profile {each}" for each in body.get("profiles") or ())
    return lines


def explained_lines(body: Mapping[str, Any]) -> Iterator[str]:
    yield f"profile {body['profile_id']}: {_name(body['left'])} and {_name(body['right'])}"
    yield from _standpoint(body)
    for step in body["path"]:
        yield f"  {step['number']}. {_said(step)}"
        pair = step["pair"]
        yield f"     {_name(pair['left'])} - {_name(pair['right'])}"
        keys = "; ".join(k["name"] for k in pair["keys"] if k["outcome"] == "shared")
        yield f"     candidates by: {keys or 'no key of their own'}"
        yield from _weighed(step["decision"], "     ")
    direct = body["direct"]
    if [direct] != [step["pair"] for step in body["path"]]:
        yield "the two by themselves:"
        yield from _weighed(direct["weight"], "  ")


def apart_lines(body: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_name(body['left'])} and {_name(body['right'])}: {body['reason']}"
    yield f"  {body['words']}"
    if "decision" in body["facts"]:
        yield f"  decision {body['facts']['decision']}"
    yield from _standpoint(body)
    if body["reason"] == "never_candidates":
        for key in body["pair"]["keys"]:
            yield f"  {key['outcome']:<10} {key['kind']:<10} {key['name']}{_limit(key)}"
    if body["link"] is not None:
        sizes = [len(body["between"][side]) for side in ("left", "right")]
        yield f"the two groups, of {sizes[0]} and {sizes[1]} records:"
        yield from _weighed(body["link"], "  ")
    yield "the two by themselves:"
    yield from _weighed(body["pair"]["weight"], "  ")


def _limit(key: Mapping[str, Any]) -> str:
    most = key["holders_max"]
    return "" if most is None else f", {limit_words(most, is_said=key['steward'])}"


def how_lines(body: Mapping[str, Any]) -> Iterator[str]:
    yield f"profile {body['profile_id']}  confidence {body['identity_confidence']}"
    yield from _standpoint(body)
    for record in body["records"]:
        yield f"  {_name(record)}"
    for unit in body["units"]:
        held = ", ".join(f"{each['type']} {each['value']}" for each in unit["identifiers"])
        yield f"  unit of {_numbers(unit['records'])}: {held or 'no decisive identifier'}"
    for step in body["steps"]:
        sides = f"{_numbers(step['left'])} + {_numbers(step['right'])}"
        yield f"  {step['number']}. {sides}: {_said(step)}"
        yield from _weighed(step["decision"], "     ")
    if body["steps_left_out"]:
        yield f"  {body['steps_left_out']} joins more"
    for note in body["notes"]:
        facts = ", ".join(f"{name} {value}" for name, value in note["facts"].items())
        yield f"  for a person to look at: {note['kind']} ({facts})"
    for each in body["fragile"] or ():
        identifier, record = each["without_identifier"], each["without_record"]
        gone = _name(record) if record else f"the same {identifier['type']}"
        yield f"  without {gone} it falls into {' | '.join(map(_numbers, each['parts']))}"


def _said(step: Mapping[str, Any]) -> str:
    """A step in words, and the decision that made it: `plait steward list` has it whole."""
    decision = step["steward_decision"]
    return step["words"] if decision is None else f"{step['words']} ({decision})"


def _numbers(records: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(f"[{record['number']}]" for record in records)


def _standpoint(body: Mapping[str, Any]) -> Iterator[str]:
    bounded = body["bounded"]
    if bounded is not None:
        yield (
            f"  its component has {bounded['records']} records and is not worked through"
            f" (at most {bounded['records_max']} records and {bounded['pairs_max']} pairs are)"
        )
    elif not body["settled"]:
        yield "  something still waits to be resolved: this may change"


def _weighed(weight: Mapping[str, Any] | None, indent: str) -> Iterator[str]:
    """The rows in words, then their sum: the very number that decided."""
    if weight is None:
        return
    for words in weight["words"]:
        yield f"{indent}  {words}"
    yield (
        f"{indent}= {weight['bits']:+.2f} bits, probability {weight['probability']:.4f}"
        f" ({weight['units']} of 2^-20 bits)"
    )


def _name(record: Mapping[str, Any]) -> str:
    return f"[{record['number']}] {record['source']}/{record['kind']}/{record['key']}"
