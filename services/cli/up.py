"""`plait up`, `down`, `run`, `status`: start and stop what serves a home."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from services.cli.ending import Ended
from services.cli.home import Home, stop_home
from services.cli.keys import API_KEY, PEPPER, keys_of
from services.cli.logs import Level, start_logging, where
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import show
from services.cli.places import Place, place_of
from services.cli.ports import SERVICES, Ports
from services.cli.rules import take_rules
from services.cli.running import Running, processes
from services.identity.adapters.sql.opening import NotAllowedError
from services.identity.domain.errors import PlaitError, RetryableError

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
PortOption = Annotated[int | None, typer.Option(help="Port of the profile API; usually 8400.")]
IngestPortOption = Annotated[int | None, typer.Option(help="Port of ingest; usually 8401.")]
LogLevelOption = Annotated[
    Level,
    typer.Option(
        "--log-level", help="Log lines of this weight and more.", envvar="PLAIT_LOG_LEVEL"
    ),
]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(run)
    app.command()(status)


def up(
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = None,
    ingest_port: IngestPortOption = None,
    resolver_port: Annotated[
        int | None, typer.Option(help="Port of the resolver's health and metrics; usually 8402.")
    ] = None,
    detach: Annotated[bool, typer.Option(help="Return once everything is ready.")] = False,
    kafka: KafkaOption = None,
    log_level: LogLevelOption = Level.INFO,
    as_json: JsonOption = False,
) -> None:
    """Start ingest, resolver and API in one process."""
    place = place_of(home)
    wanted = {"api": port, "ingest": ingest_port, "resolver": resolver_port}
    ports = _ports(place, wanted)
    if detach:
        running = start_detached(prepare(home, kafka), ports, log_level=log_level)
        _report(running, place, as_json)
        return
    _serve(place, SERVICES, ports, kafka=kafka, log_level=log_level, as_json=as_json)


def prepare(path: Path, kafka: str | None, services: tuple[str, ...] = SERVICES) -> Home:
    """A home with its default sources and an API key, on the log it was asked to use.

    To a configuration sources are added by `plait source add` only.
    """
    home = Home(path)
    if "resolver" in services:
        take_rules(home)
    if kafka is not None:
        home.use_kafka(kafka)
    if home.place.config is None:
        home.ensure_default_sources()
    if home.place.config is None or "api" in services:
        with suppress(NotAllowedError):  # where the role of the API only reads keys
            home.ensure_api_key()
    return home


def _ports(place: Place, wanted: Mapping[str, int | None]) -> Ports:
    """As asked for, else as configured, else the usual ones."""
    configured = {} if place.config is None else place.config.ports.model_dump()
    asked = {name: port for name, port in wanted.items() if port is not None}
    return Ports(**configured | asked)


def _serve(
    place: Place,
    services: tuple[str, ...],
    ports: Ports,
    *,
    kafka: str | None,
    log_level: Level,
    as_json: bool,
) -> NoReturn:
    """Until it is told to stop. A bug ends the process with one line that names no person."""
    from services.cli.stack import run_stack
    from services.identity.adapters.otel import start_tracing

    log = start_logging(log_level)
    path = place.file or place.folder
    stop_tracing = start_tracing(os.environ)
    try:
        run_stack(
            place,
            make=lambda: prepare(path, kafka, services),
            ports=ports,
            services=services,
            ready=lambda running: _report(running, place, as_json),
            log=log,
        )
    except PlaitError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, its words may name people
        log.critical("ended by a bug", extra=where(error))
        raise Ended(1) from None
    finally:
        if stop_tracing is not None:
            stop_tracing()
    raise Ended(0)


def start_detached(home: Home, ports: Ports, *, log_level: Level = Level.INFO) -> Running:
    """Start the stack in a process of its own and wait until it serves.

    Raises RetryableError when it does not come up; the end of its log says why.
    """
    running = home.stack()
    if running is not None:
        return running
    log = home.path / "stack.log"
    command = [
        sys.executable, "-m", "services.cli", "up", *home.place.option(),
        "--port", str(ports.api), "--ingest-port", str(ports.ingest),
        "--resolver-port", str(ports.resolver), "--log-level", log_level.value,
    ]  # fmt: skip
    log.touch(mode=0o600)  # it begins with the keys
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
        running = home.stack()
        if running is not None and running.pid == process.pid:
            return running
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2_000:]
    raise RetryableError(f"the stack did not come up; the end of {log}:\n{tail}")


def _report(running: Running, place: Place, as_json: bool) -> None:  # noqa: FBT001  # private
    """Where the doors of a process are, with the keys that open them."""
    keys = keys_of(place.folder)
    urls = running.urls
    document: dict[str, Any] = {
        "services": list(running.services),
        **urls,
        "log": running.log,
        "pid": running.pid,
    }
    lines = [f"{name:<12} {url}" for name, url in sorted(urls.items())]
    lines.append(f"event log    {running.log}")
    if "api" in urls:
        document |= {"docs": f"{urls['api']}/docs", "api_key": keys.get(API_KEY)}
        lines += [f"API docs     {urls['api']}/docs", f"API key      {keys.get(API_KEY)}"]
    if "ingest" in urls:
        write_keys = {name: key for name, key in keys.items() if name not in {API_KEY, PEPPER}}
        document["write_keys"] = write_keys
        lines += [f"write key    {name}: {key}" for name, key in write_keys.items()]
    lines.append("ready; stop with Ctrl-C or `plait down`")
    show(document, as_json=as_json, lines=lines)
    sys.stdout.flush()


def down(home: HomeOption = DEFAULT_HOME) -> None:
    """Stop everything that serves a home, and its database.

    Of a configuration, what serves it on this machine.
    """
    typer.echo("stopped" if stop_home(home) else "nothing was running")


def run(
    service: Service,
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[
        int | None,
        typer.Option(help="Port of its door; another is taken where it is taken."),
    ] = None,
    kafka: KafkaOption = None,
    log_level: LogLevelOption = Level.INFO,
    as_json: JsonOption = False,
) -> None:
    """Run one service in a process of its own; any number of them for one home."""
    place = place_of(home)
    ports = _ports(place, {service.value: port})
    services = (service.value,)
    _serve(place, services, ports, kafka=kafka, log_level=log_level, as_json=as_json)


def status(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Say what runs for a home, and where; exit 1 when nothing does."""
    found = processes(place_of(home).folder)
    urls = {name: url for each in found for name, url in each.urls.items()}
    document = {
        "running": bool(found),
        **urls,
        "processes": [
            {
                "pid": each.pid,
                "services": list(each.services),
                "ready": each.is_ready,
                "log": each.log,
                "urls": dict(each.urls),
            }
            for each in found
        ],
    }
    lines = [
        f"{each.pid:>8}  {' '.join(each.services):<20}"
        f"  {'ready' if each.is_ready else 'not ready':<9}  {' '.join(each.urls.values())}"
        for each in found
    ]
    show(document, as_json=as_json, lines=lines or ["nothing runs for this home"])
    if not found:
        raise typer.Exit(1)
