"""What commands print: JSON for machines, lines for people, progress on standard error."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
import typer


class Progress(Protocol):
    """Called with how many more were done."""

    def __call__(self, count: int, /) -> None: ...


def print_json(document: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    sys.stdout.write(text.decode() + "\n")


def show(document: Mapping[str, Any], *, as_json: bool, lines: list[str]) -> None:
    """The same result either way."""
    if as_json:
        print_json(document)
    else:
        typer.echo("\n".join(lines))


def problem_lines(body: Mapping[str, Any]) -> list[str]:
    """What the API refused, and whatever it named so that one can go on."""
    lines = [f"{body.get('code')}: {body.get('detail')}"]
    lines.extend(f"  candidate {each['profile_id']}" for each in body.get("candidates") or ())
    lines.extend(f"  {_invalid(each)}" for each in body.get("errors") or ())
    lines.extend(
        f"  {each['id']}  {each['verdict']}  {each['by']}, {each['decided_at']}: {each['reason']}"
        for each in body.get("decisions") or ()
    )
    return lines


def _invalid(part: Mapping[str, Any]) -> str:
    expected = "".join(f", {name} {value}" for name, value in part["expected"].items())
    return f"{part['pointer']}: {part['code']}{expected}"


@contextmanager
def progress_bar(title: str, *, total: int | None = None) -> Iterator[Progress]:
    """A bar on standard error where a person looks on; nothing where not."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)


def tell(text: str) -> None:
    """A note about work under way, on standard error where a person looks on."""
    if sys.stderr.isatty():
        typer.echo(text, err=True)
