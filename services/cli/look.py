"""`plait profile`, `segment`, `doctor`: look at what was derived."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
import yaml

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import print_json, problem_lines, show
from services.identity.domain.errors import UsageError
from services.identity.domain.instants import instant_of

EXTRAS = ("crc32c", "lz4")  # kafka-python is several times slower without them, and silent about it
DISK_BYTES_MIN = 1_000_000_000


def register(app: typer.Typer) -> None:
    app.command()(profile)
    segment = typer.Typer(help="Segments as files.", no_args_is_help=True)
    segment.command()(apply)
    segment.command("list")(list_segments)
    segment.command()(members)
    app.add_typer(segment, name="segment")
    app.command()(doctor)


def profile(
    who: Annotated[str, typer.Argument(help="A profile id, or type:value.")],
    use: Annotated[
        str | None, typer.Option("--use", help="What for, as the rules name it: as sure as that.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Only when it is so sure.", min=0, max=1)
    ] = 0.0,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """One profile, as the API answers it; exit 1 when there is none, several, or none so sure."""
    asked = {"use": use, "min_confidence": min_confidence or None}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    path = f"/v1/profiles/{quote(who, safe=':@/')}?{query}"
    status, body = ask(Home(home), "GET", path)
    if as_json:
        print_json(body)
    else:
        typer.echo("\n".join(_profile_lines(body) if status == OK else problem_lines(body)))
    if status != OK:
        raise typer.Exit(1)


OK = 200


def _profile_lines(body: dict[str, Any]) -> list[str]:
    return [
        f"profile {body['profile_id']}  confidence {body['identity_confidence']}",
        *(
            f"  {name:<18} {field['value']}   ({field['source']})"
            for name, field in body.get("fields", {}).items()
        ),
        *(f"  record             {r['source']} {r['kind']}" for r in body.get("records", [])),
        *(f"  segment            {each['id']}" for each in body.get("segments", [])),
    ]


def apply(
    file: Annotated[Path, typer.Argument(help="YAML file of one or several segments.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Create or change segments, and compute their members over the whole base."""
    from services.cli.segments import apply_segments
    from services.segments.definition import parse_segments

    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not YAML: {error}") from None
    result = apply_segments(Home(home), parse_segments(raw))
    show(
        {"segments": result},
        as_json=as_json,
        lines=[f"{each['id']}: {each['members']} members" for each in result],
    )


def list_segments(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every segment with its definition."""
    _, body = ask(Home(home), "GET", "/v1/segments")
    lines = [f"{each['id']:<24} {each['predicate']}" for each in body["segments"]]
    show(body, as_json=as_json, lines=lines or ["no segments yet"])


def members(
    segment: Annotated[str, typer.Argument(help="The segment's id.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Who is in a segment now; exit 1 when there is no such segment."""
    status, body = ask(Home(home), "GET", f"/v1/segments/{quote(segment)}/members?limit=500")
    found = [each["profile_id"] for each in body.get("members", [])]
    lines = (found or ["no members"]) if status == OK else problem_lines(body)
    show(body, as_json=as_json, lines=lines)
    if status != OK:
        raise typer.Exit(1)


def doctor(
    *,
    home: HomeOption = DEFAULT_HOME,
    accept_losses: Annotated[
        bool, typer.Option("--accept-losses", help="Messages lost so far are known of.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check libraries, database, log, model and disk; exit 1 when something is wrong."""
    from importlib.util import find_spec

    from services.cli.log_topics import mend
    from services.identity.adapters.sql import losses, models

    opened = Home(home)
    free = shutil.disk_usage(opened.path).free
    with opened.connection() as connection:
        version = models.active_version(connection)
        if accept_losses:
            losses.accept_losses(connection)
        lost = losses.losses(connection)
    faults, changed = mend(opened)
    checks = {
        "extras of kafka-python": all(find_spec(name) for name in EXTRAS),
        "database": True,
        f"event log ({opened.log_name()})": not faults,
        "every message landed before it was removed": all(each.is_accepted for each in lost),
        "active model": version is not None,
        "disk": free >= DISK_BYTES_MIN,
    }
    lines = [f"{'ok ' if fine else 'BAD'} {name}" for name, fine in checks.items()]
    lines += [f"    {fault}" for fault in faults] + [f"    set right: {each}" for each in changed]
    lines += [
        f"    lost: {each.subject}, {each.messages} messages, noted at {instant_of(each.noted_at)}"
        for each in lost
    ]
    document = {
        "checks": checks,
        "healthy": all(checks.values()),
        "log_faults": faults,
        "log_set_right": changed,
        "losses": [asdict(each) | {"noted_at": str(instant_of(each.noted_at))} for each in lost],
    }
    show(document, as_json=as_json, lines=lines)
    if not all(checks.values()):
        raise typer.Exit(1)
