"""Options that most commands share, and `--config`, which stands beside every `--home`."""

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from services.identity.domain.errors import UsageError

HomeOption = Annotated[
    Path, typer.Option("--home", help="Folder of the embedded data.", envvar="PLAIT_HOME")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML file that names a database and a log, in place of a home.",
        envvar="PLAIT_CONFIG",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DEFAULT_HOME = Path(".plait")
_ASKED = "COMMANDLINE"  # of the two options, the one that was typed wins over a variable


def take_config(app: typer.Typer, *, but: Collection[str] = ()) -> None:
    """Give every command that takes `--home` a `--config`, so that none is forgotten."""
    for command in app.registered_commands:
        if command.callback is not None and command.callback.__name__ not in but:
            command.callback = _with_config(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None and group.name not in but:
            take_config(group.typer_instance)


def _with_config(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same command; the file of `--config` goes in the place of the home's folder."""
    signature = inspect.signature(command, eval_str=True)
    if "home" not in signature.parameters or "config" in signature.parameters:
        return command

    @wraps(command)
    def run(*, ctx: typer.Context, config: Path | None = None, **options: Any) -> Any:  # noqa: ANN401  # the command's own
        if config is not None:
            options["home"] = _chosen(ctx, options["home"], config)
        return command(**options)

    parameters = dict(signature.parameters)
    added = inspect.Parameter(
        "config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=ConfigOption
    )
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    kept = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters.values()]
    after = next(place for place, each in enumerate(kept) if each.name == "home") + 1
    every = [context, *kept[:after], added, *kept[after:]]
    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {each.name: each.annotation for each in every}
    return run


def _chosen(ctx: typer.Context, home: Path, config: Path) -> Path:
    typed = {name for name in ("home", "config") if _source(ctx, name) == _ASKED}
    if typed == {"home", "config"}:
        raise UsageError("--home and --config name two places; give one")
    if typed == {"home"}:
        return home
    if not config.is_file():
        raise UsageError(f"there is no configuration {config}")
    return config


def _source(ctx: typer.Context, name: str) -> str:
    source = ctx.get_parameter_source(name)
    return "" if source is None else source.name
