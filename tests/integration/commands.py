"""The `plait` command, as a process of its own or in this one, and ports for what it starts."""

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from services.cli.main import EXIT_USAGE, app
from services.identity.adapters.kafka.local_ports import free_ports
from services.identity.domain.errors import UsageError

Done = subprocess.CompletedProcess[str]


def run_plait(*arguments: str, seconds_max: float = 350) -> Done:
    """As an operator has it: what it starts is nobody's child when it ends."""
    return subprocess.run(  # noqa: S603  # our own command with our own arguments
        [sys.executable, "-m", "services.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds_max,
        check=False,
    )


def run_here(*arguments: str) -> Done:
    """In this process, which has its imports already; for commands that leave nothing running."""
    result = CliRunner().invoke(app, arguments)
    code, stderr = result.exit_code, result.stderr
    if isinstance(result.exception, UsageError):
        code, stderr = EXIT_USAGE, str(result.exception)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(list(arguments), code, result.stdout, stderr)


def ports_for(home: Path) -> tuple[int, int]:
    """Two ports that nobody has; none that the system could hand out before they are taken."""
    first, second = free_ports(home, (), count=2)
    return first, second
