"""`--config` beside `--home`: one place is meant, and a variable gives way to what is typed."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from services.cli.options import DEFAULT_HOME, HomeOption, take_config
from services.identity.domain.errors import UsageError


def show(
    word: Annotated[str, typer.Argument(help="Any.")],
    home: HomeOption = DEFAULT_HOME,
    loud: Annotated[bool, typer.Option(help="Louder.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Say where."""
    typer.echo(f"{word} {home} {loud}")


@pytest.fixture
def app() -> typer.Typer:
    made, group = typer.Typer(), typer.Typer()
    made.command()(show)
    group.command()(show)
    made.add_typer(group, name="group")
    take_config(made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plait.yaml"
    path.touch()
    return path


def said(app: typer.Typer, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = CliRunner().invoke(app, list(arguments), env=env, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_a_command_works_for_a_home_or_for_a_configuration(app: typer.Typer, file: Path) -> None:
    assert said(app, "show", "here") == "here .plait False"
    assert said(app, "show", "here", "--home", "x", "--loud") == "here x True"
    assert said(app, "show", "here", "--config", str(file)) == f"here {file} False"
    assert said(app, "group", "show", "here", "--config", str(file)) == f"here {file} False"


def test_what_is_typed_wins_over_a_variable(app: typer.Typer, file: Path) -> None:
    home, config = {"PLAIT_HOME": "y"}, {"PLAIT_CONFIG": str(file)}
    assert said(app, "show", "here", "--config", str(file), env=home) == f"here {file} False"
    assert said(app, "show", "here", "--home", "x", env=config) == "here x False"
    assert said(app, "show", "here", env=config) == f"here {file} False"


def test_two_places_are_refused(app: typer.Typer, file: Path) -> None:
    with pytest.raises(UsageError, match="give one"):
        said(app, "show", "here", "--home", "x", "--config", str(file))


def test_a_configuration_that_is_not_there_is_refused(app: typer.Typer) -> None:
    with pytest.raises(UsageError, match="there is no configuration nowhere"):
        said(app, "show", "here", "--config", "nowhere.yaml")
