"""The `plait` command: every verb of the product, one call each into a service."""

import sys

import typer

from services.cli import (
    accounts,
    api_keys,
    data,
    generic,
    letters,
    look,
    model,
    review,
    rules,
    sources,
    steward,
    tracing,
    up,
    why,
)
from services.cli.bench import commands as bench
from services.cli.demo import command as demo
from services.cli.ending import Ended, end_at_once
from services.cli.options import take_config
from services.cli.proof import command as proof
from services.identity.domain.errors import PlaitError, UsageError

EXIT_NO = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="plait",
    help="One customer profile from web, app, call centre and billing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (
    demo,
    up,
    data,
    model,
    rules,
    sources,
    api_keys,
    look,
    steward,
    review,
    accounts,
    why,
    generic,
    tracing,
    letters,
    bench,
    proof,
):
    module.register(app)
take_config(app, but={"demo", "bench", "proof"})  # they make homes of their own


def main() -> None:
    """Run a command. Exit 0: done; 1: the answer is no; 2: a usage error."""
    try:
        app()
    except Ended as ended:
        end_at_once(ended)
    except UsageError as error:
        typer.echo(f"plait: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except PlaitError as error:
        typer.echo(f"plait: {error}", err=True)
        sys.exit(EXIT_NO)


if __name__ == "__main__":
    main()
