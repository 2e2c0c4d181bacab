"""docs/cli.md's list of commands, written from the commands themselves.

`python -m tests.architecture.cli_page` rewrites it; the diff is the review.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from services.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
START = "<!-- commands: written by `python -m tests.architecture.cli_page` -->"
COMMON = ("--home", "--config", "--json")  # said once, above the list


def commands() -> Iterator[tuple[str, Any]]:
    """(words, command) of everything that can be run, in the order of `plait --help`."""
    yield from _below("plait", get_command(app))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's own
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _below(f"{words} {name}", child)


def options_of(command: Any) -> list[Any]:  # noqa: ANN401  # typer's own
    return [each for each in command.params if each.opts[0].startswith("-")]


def section(words: str, command: Any) -> str:  # noqa: ANN401  # typer's own
    """One command as Markdown: how it is called, what it does, its options."""
    arguments = [each for each in command.params if not each.opts[0].startswith("-")]
    call = " ".join([words, *(each.name.upper() for each in arguments)])
    lines = [f"### `{call}`", "", _sentence(command.help)]
    rows = [(each.name.upper(), each) for each in arguments]
    rows += [(_spelled(each), each) for each in options_of(command) if each.opts[0] not in COMMON]
    if rows:
        lines += ["", "| option | means |", "|---|---|"]
        lines += [f"| `{spelled}` | {_meaning(each)} |" for spelled, each in rows]
    common = [name for name in COMMON if any(name in each.opts for each in command.params)]
    missing = [name for name in COMMON if name not in common]
    if missing:
        lines += ["", f"Takes no `{'`, no `'.join(missing)}`."]
    return "\n".join(lines)


def _spelled(option: Any) -> str:  # noqa: ANN401  # typer's own
    return " / ".join([*option.opts, *option.secondary_opts])


def _meaning(option: Any) -> str:  # noqa: ANN401  # typer's own
    text = (option.help or _choices(option)).replace("|", "\\|")
    default = option.default
    if option.required:
        return f"{text} Needed."
    if default is None or default is False or default is True or callable(default):
        return text
    return f"{text} Default `{getattr(default, 'value', default)}`."


def _choices(option: Any) -> str:  # noqa: ANN401  # typer's own
    """Of an argument that takes one of a few words, the words."""
    values = [str(each.value) for each in getattr(option.type_descriptor, "annotation", ())]
    return f"`{'`, `'.join(values)}`." if values else ""


def _sentence(text: str | None) -> str:
    """The help of a command in one line."""
    return " ".join((text or "").split())


def page(before: str) -> str:
    """The page with its list of commands as they are today; what a person wrote stays."""
    written, _, _ = before.partition(START)
    return "\n\n".join([written + START, *(section(*each) for each in commands())]) + "\n"


def main() -> None:
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
