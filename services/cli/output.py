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
