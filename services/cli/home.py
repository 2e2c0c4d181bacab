"""A home: the folder that holds the embedded data, what runs for it, and the keys it gave out."""

import fcntl
import json
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from services.identity.adapters.clock import SystemClock
from services.identity.adapters.sql.engine import Connection, connect, create_schema
from services.identity.domain.ids import SourceName
from services.identity.domain.source import Source
from services.identity.ports import Clock, EventLog

RUNNING_FILE = "running.json"
KEYS_FILE = "keys.json"
LOG_FILE = "log.json"
LOCK_FILE = "stack.lock"
BROKER_FOLDER = "kafka"
LOCAL_BROKER = "local"  # in place of an address: a broker of the home's own, found by its folder
API_KEY = "api"
PEPPER = "pepper"
STOP_SECONDS_MAX = 15.0  # a graceful stop takes at most 10; then the stack is killed

DEFAULT_SOURCES = (
    Source(name=SourceName("web"), channel="web", workspace="web", region="GB"),
    Source(name=SourceName("app"), channel="app", workspace="app", region="GB"),
    Source(name=SourceName("calls"), channel="call_centre", workspace="service", region="GB"),
    Source(
        name=SourceName("billing"), channel="billing", workspace="service", trust=10, region="GB"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The stack that serves this home now."""

    pid: int
    api: str
    ingest: str
    log: str


class Home:
    """Opened once per command: starts the home's database where it does not run yet."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        from services.identity.adapters.embedded import server

        self.path = path.expanduser().resolve()
        self.clock = clock or SystemClock()
        self.url = server.start(self.path)
        with self.connection() as connection:
            create_schema(connection)
        self._bootstrap()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        connection = connect(self.url)
        try:
            yield connection
        finally:
            connection.close()

    def log(self) -> EventLog:
        """The event log this home was made with: the embedded one, or Kafka."""
        from services.identity.adapters.topics import load_topics

        bootstrap = self.bootstrap_servers()
        log: EventLog
        if bootstrap is None:
            from services.identity.adapters.embedded.log import EmbeddedLog

            log = EmbeddedLog(self.url, clock=self.clock)
        else:
            from services.identity.adapters.kafka.log import KafkaLog

            log = KafkaLog(bootstrap)
        log.ensure_topics(load_topics())
        return log

    def bootstrap_servers(self) -> str | None:
        """None on the embedded log. A broker of the home's own is started when it does not run."""
        file = self.path / LOG_FILE
        if not file.exists():
            return None
        servers: str = json.loads(file.read_text())["bootstrap_servers"]
        if servers != LOCAL_BROKER:
            return servers
        from services.identity.adapters.kafka.broker import LocalBroker

        return LocalBroker(self.path / BROKER_FOLDER).start()

    def use_kafka(self, bootstrap_servers: str) -> None:
        (self.path / LOG_FILE).write_text(json.dumps({"bootstrap_servers": bootstrap_servers}))

    def running(self) -> Running | None:
        """The stack of this home if its process lives."""
        return running_stack(self.path)

    def note_running(self, running: Running) -> None:
        (self.path / RUNNING_FILE).write_text(json.dumps(asdict(running)))

    def note_stopped(self) -> None:
        (self.path / RUNNING_FILE).unlink(missing_ok=True)

    def keys(self) -> dict[str, str]:
        return keys_of(self.path)

    def keep_key(self, name: str, key: str) -> None:
        file = self.path / KEYS_FILE
        keys = self.keys() | {name: key}
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(json.dumps(keys, indent=1))

    def _bootstrap(self) -> None:
        """A new home gets the shipped model, so that it resolves from its first event."""
        from services.identity.adapters.sql import models

        with self.connection() as connection:
            if models.active_version(connection) is not None:
                return
            document = files("services.linkage.models").joinpath("customer.v1.json").read_bytes()
            version = json.loads(document)["version"]
            models.save_model(connection, version, document, {"shipped": True}, at=self.clock.now())
            models.activate(connection, version)

    def ensure_default_sources(self) -> None:
        """The four channels of a new home, each with a write key of its own."""
        keys = self.keys()
        for source in DEFAULT_SOURCES:
            if source.name not in keys:
                self.add_source(source)

    def ensure_api_key(self) -> str:
        """The home's own API key with every scope, made at the first start."""
        from services.identity.adapters.sql.admin import keep_api_key
        from services.profile_api.auth import Scope, new_key

        known = self.keys().get(API_KEY)
        if known is not None:
            return known
        made = new_key(
            random=secrets.token_bytes,
            pepper=self.pepper().encode(),
            scopes=Scope,
            label="home",
            at=self.clock.now(),
        )
        with self.connection() as connection:
            keep_api_key(connection, made.stored)
        self.keep_key(API_KEY, made.text)
        return made.text

    def pepper(self) -> str:
        """What API keys are hashed with; kept beside the database, not in it."""
        known = self.keys().get(PEPPER)
        if known is None:
            known = secrets.token_hex(32)
            self.keep_key(PEPPER, known)
        return known

    def add_source(self, source: Source) -> str:
        """Register a source under a new write key, which is returned and kept."""
        from services.identity.adapters.sql.sources import SqlSources
        from services.ingest.auth import hash_write_key

        write_key = secrets.token_urlsafe(24)
        sources = SqlSources(self.url)
        try:
            sources.register(source, write_key_hash=hash_write_key(write_key), at=self.clock.now())
        finally:
            sources.close()
        self.keep_key(source.name, write_key)
        return write_key


def keys_of(path: Path) -> dict[str, str]:
    """Write keys by source, the API key and its pepper. Readable by the owner only."""
    file = path.expanduser().resolve() / KEYS_FILE
    return dict(json.loads(file.read_text())) if file.exists() else {}


@contextmanager
def stack_lock(path: Path) -> Iterator[bool]:
    """Hold the home's lock while its stack runs; gives False when another stack holds it.

    The lock dies with its process, so a stale file or a reused process id can mislead nobody.
    """
    with (path / LOCK_FILE).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def running_stack(path: Path) -> Running | None:
    """The stack that holds the home's lock, once it has said where it listens."""
    if not (path / LOCK_FILE).exists():
        return None
    with stack_lock(path) as is_free:
        if is_free:
            return None
    try:
        return Running(**json.loads((path / RUNNING_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def stop_home(path: Path) -> bool:
    """Stop what runs for this home: its stack, its database, its broker. False: nothing ran."""
    from services.identity.adapters.embedded import server

    path = path.expanduser().resolve()
    if not path.is_dir():
        return False
    running = running_stack(path)
    if running is not None:
        os.kill(running.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while running_stack(path) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if running_stack(path) is not None:
            os.kill(running.pid, signal.SIGKILL)
    stopped = server.stop(path) or running is not None
    if (path / BROKER_FOLDER).is_dir():
        from services.identity.adapters.kafka.broker import LocalBroker

        stopped = LocalBroker(path / BROKER_FOLDER).stop() or stopped
    return stopped
