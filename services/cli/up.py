"""`plait up`, `down`, `run`, `status`: start and stop what serves a home."""

import os
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.home import API_KEY, PEPPER, Home, Running, keys_of, running_stack, stop_home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import print_json, show
from services.cli.stack import API_PORT, INGEST_PORT, SERVICES, Ports, free_ports, run_stack
from services.identity.domain.errors import RetryableError

START_SECONDS_MAX = 60.0


class Service(StrEnum):
    """What `plait run` can run alone."""

    INGEST = "ingest"
    RESOLVER = "resolver"
    API = "api"


KafkaOption = Annotated[
    str | None,
    typer.Option("--kafka", help="Bootstrap servers of a Kafka broker; kept for this home."),
]
PortOption = Annotated[int, typer.Option(help="Port of the profile API.")]
IngestPortOption = Annotated[int, typer.Option(help="Port of ingest.")]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(run)
    app.command()(status)


def up(
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = API_PORT,
    ingest_port: IngestPortOption = INGEST_PORT,
    detach: Annotated[bool, typer.Option(help="Return once everything is ready.")] = False,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start ingest, resolver and API in one process."""
    if detach:
        opened = prepare(home, kafka)
        _report(start_detached(opened, Ports(api=port, ingest=ingest_port)), home, as_json)
        return
    opened = prepare(home, kafka)
    run_stack(
        opened,
        ports=free_ports(Ports(api=port, ingest=ingest_port)),
        ready=lambda running: _report(running, home, as_json),
    )


def prepare(path: Path, kafka: str | None) -> Home:
    """A home with its default sources and an API key, on the log it was asked to use."""
    home = Home(path)
    if kafka is not None:
        home.use_kafka(kafka)
    home.ensure_default_sources()
    home.ensure_api_key()
    return home


def start_detached(home: Home, ports: Ports) -> Running:
    """Start the stack in a process of its own and wait until it serves.

    Raises RetryableError when it does not come up; the end of its log says why.
    """
    running = home.running()
    if running is not None:
        return running
    ports = free_ports(ports)
    log = home.path / "stack.log"
    command = [
        sys.executable, "-m", "services.cli", "up", "--home", str(home.path),
        "--port", str(ports.api), "--ingest-port", str(ports.ingest),
    ]  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command with our own arguments
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        running = home.running()
        if running is not None and running.pid == process.pid:
            return running
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2_000:]
    raise RetryableError(f"the stack did not come up; the end of {log}:\n{tail}")


def _report(running: Running, home: Path, as_json: bool) -> None:  # noqa: FBT001  # private
    keys = keys_of(home)
    write_keys = {name: key for name, key in keys.items() if name not in {API_KEY, PEPPER}}
    show(
        {
            "api": running.api,
            "docs": f"{running.api}/docs",
            "ingest": running.ingest,
            "log": running.log,
            "pid": running.pid,
            "api_key": keys.get(API_KEY),
            "write_keys": write_keys,
        },
        as_json=as_json,
        lines=[
            f"profile API  {running.api}   (docs: {running.api}/docs)",
            f"ingest       {running.ingest}",
            f"event log    {running.log}",
            f"API key      {keys.get(API_KEY)}",
            *(f"write key    {name}: {key}" for name, key in write_keys.items()),
            "ready; stop with Ctrl-C or `plait down`",
        ],
    )
    sys.stdout.flush()


def down(home: HomeOption = DEFAULT_HOME) -> None:
    """Stop the stack and the database of a home."""
    typer.echo("stopped" if stop_home(home) else "nothing was running")


def run(
    service: Service,
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = API_PORT,
    ingest_port: IngestPortOption = INGEST_PORT,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one service in a process of its own."""
    opened = prepare(home, kafka)
    run_stack(
        opened,
        ports=Ports(api=port, ingest=ingest_port),
        services=[service.value],
        ready=lambda running: _report(running, home, as_json),
    )


def status(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Say whether a stack runs for a home, and where; exit 1 when none does."""
    running = running_stack(home.expanduser().resolve())
    if running is None:
        show({"running": False}, as_json=as_json, lines=["nothing runs for this home"])
        raise typer.Exit(1)
    if as_json:
        print_json({"running": True, "api": running.api, "ingest": running.ingest})
        return
    typer.echo(f"running: {running.api} (pid {running.pid}, services {', '.join(SERVICES)})")
