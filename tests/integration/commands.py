"""The `plait` command as a process of its own, and ports for the stacks that it starts."""

import socket
import subprocess
import sys


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_plait(*arguments: str, seconds_max: float = 350) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own command with our own arguments
        [sys.executable, "-m", "services.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds_max,
        check=False,
    )
