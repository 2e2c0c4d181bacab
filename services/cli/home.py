"""A home: the folder that holds the embedded data, what runs for it, and the keys it gave out.

A configuration stands in for one: then the data lie in the database that it names.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.keys import API_KEY, PEPPER, keep_key, keys_locked, keys_of
from services.cli.places import Place, place_of
from services.cli.running import Running, processes, running_resolver, running_stack, stop_processes
from services.identity.adapters.clock import SystemClock
from services.identity.adapters.sql.engine import Connection
from services.identity.adapters.sql.opening import (
    NotAllowedError,
    as_allowed,
    opened,
    take_into_use,
)
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import SourceName
from services.identity.domain.source import Source
from services.identity.ports import Clock, EventLog
from services.linkage.shipped import shipped_model

if TYPE_CHECKING:
    from services.identity.adapters.kafka.connection import KafkaSecurity
    from services.profile_api.auth import NewKey, Scope

LOG_FILE = "log.json"
BROKER_FOLDER = "kafka"
LOCAL_BROKER = "local"  # in place of an address: a broker of the home's own, found by its folder

DEFAULT_SOURCES = (
    Source(name=SourceName("web"), channel="web", workspace="web", region="GB"),
    Source(name=SourceName("app"), channel="app", workspace="app", region="GB"),
    Source(name=SourceName("calls"), channel="call_centre", workspace="service", region="GB"),
    Source(
        name=SourceName("billing"), channel="billing", workspace="service", trust=10, region="GB"
    ),
)


class Home:
    """Opened once per command: starts the home's database where it does not run yet.

    `path` is the folder of a home, or a configuration file. Raises RetryableError when the
    database cannot be reached, and UsageError when it cannot be used.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.place = place_of(path)
        self.path = self.place.folder
        self.clock = clock or SystemClock()
        self.place.make_folder()
        self.url = _database_of(self.place)
        with self.connection() as connection:
            take_into_use(connection)
        with suppress(NotAllowedError):  # the role of a service reads what it needs, no more
            self._bootstrap()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with opened(self.url) as connection:
            yield connection

    def log(self) -> EventLog:
        """The event log this home was made with: the embedded one, or Kafka.

        Raises UsageError when a topic is larger than schemas/topics declares it.
        """
        from services.identity.adapters.topics import load_topics

        log = self.log_as_it_is()
        with suppress(NotAllowedError), as_allowed():  # a service's role takes them as they are
            log.ensure_topics(load_topics())
        return log

    def log_as_it_is(self) -> EventLog:
        """The log with whatever topics it has."""
        bootstrap = self.bootstrap_servers()
        if bootstrap is None:
            from services.identity.adapters.embedded.log import EmbeddedLog

            return EmbeddedLog(self.url, clock=self.clock)
        from services.identity.adapters.kafka.log import KafkaLog

        return KafkaLog(bootstrap, security=_security_of(self.place))

    def log_name(self) -> str:
        return "embedded" if self.bootstrap_servers() is None else "kafka"

    def bootstrap_servers(self) -> str | None:
        """None on the embedded log. A broker of the home's own is started when it does not run."""
        if self.place.config is not None:
            kafka = self.place.config.kafka
            return None if kafka is None else kafka.bootstrap
        file = self.path / LOG_FILE
        if not file.exists():
            return None
        servers: str = json.loads(file.read_text())["bootstrap_servers"]
        if servers != LOCAL_BROKER:
            return servers
        from services.identity.adapters.kafka.broker import LocalBroker

        return LocalBroker(self.path / BROKER_FOLDER).start()

    def use_kafka(self, bootstrap_servers: str) -> None:
        if self.place.config is not None:
            raise UsageError("the configuration names the log; --kafka is for homes")
        (self.path / LOG_FILE).write_text(json.dumps({"bootstrap_servers": bootstrap_servers}))

    def use_embedded_log(self) -> None:
        (self.path / LOG_FILE).unlink(missing_ok=True)

    def stack(self) -> Running | None:
        """The `plait up` of this home."""
        return running_stack(self.path)

    def resolver(self) -> Running | None:
        """A process that lands and resolves for this home."""
        return running_resolver(self.path)

    def processes(self) -> list[Running]:
        """Everything that serves this home."""
        return processes(self.path)

    def keys(self) -> dict[str, str]:
        return keys_of(self.path)

    def _bootstrap(self) -> None:
        """A new home gets the shipped model and rules, so that it resolves from its first event."""
        from services.identity.adapters.sql import models, rulesets
        from services.identity.domain.ruleset import Ruleset, encode_ruleset

        with self.connection() as connection:
            if rulesets.active_ruleset(connection) is None:
                rules = Ruleset()
                rulesets.activate_ruleset(
                    connection, rules.version, encode_ruleset(rules), at=self.clock.now()
                )
            if models.active_version(connection) is not None:
                return
            document = shipped_model()
            version = json.loads(document)["version"]
            models.save_model(connection, version, document, {"shipped": True}, at=self.clock.now())
            models.activate(connection, version)

    def ensure_default_sources(self) -> None:
        """The four channels of a new home, each with a write key of its own."""
        with keys_locked(self.path):
            for source in DEFAULT_SOURCES:
                if source.name not in self.keys():
                    self._register(source)

    def ensure_api_key(self) -> str:
        """The home's own API key with every scope, made at the first start."""
        from services.profile_api.auth import Scope

        pepper = self.pepper()  # before the lock, under which it is kept
        with keys_locked(self.path):
            known = self.keys().get(API_KEY)
            if known is not None:
                return known
            made = self._make_api_key(Scope, label="home", pepper=pepper)
            keep_key(self.path, API_KEY, made.text)
            return made.text

    def add_api_key(self, scopes: Iterable["Scope"], *, label: str) -> "NewKey":
        """An API key that is known from now on; its text is nowhere but here."""
        return self._make_api_key(scopes, label=label, pepper=self.pepper())

    def _make_api_key(self, scopes: Iterable["Scope"], *, label: str, pepper: str) -> "NewKey":
        from services.identity.adapters.sql.admin import keep_api_key
        from services.profile_api.auth import new_key

        made = new_key(
            random=secrets.token_bytes,
            pepper=pepper.encode(),
            scopes=scopes,
            label=label,
            at=self.clock.now(),
        )
        with self.connection() as connection:
            keep_api_key(connection, made.stored)
        return made

    def pepper(self) -> str:
        """What API keys are hashed with; kept beside the database, not in it.

        Raises UsageError when a configuration has none: all machines must have the same.
        """
        config = self.place.config
        if config is not None:
            if config.pepper is None:
                raise UsageError("the configuration needs pepper_file, or set PLAIT_PEPPER")
            return config.pepper.get_secret_value()
        with keys_locked(self.path):
            known = self.keys().get(PEPPER)
            if known is None:
                known = secrets.token_hex(32)
                keep_key(self.path, PEPPER, known)
            return known

    def add_source(self, source: Source) -> str:
        """Register a source under a new write key, which is returned and kept."""
        with keys_locked(self.path):
            return self._register(source)

    def _register(self, source: Source) -> str:
        from services.identity.adapters.sql.sources import SqlSources
        from services.ingest.auth import hash_write_key

        write_key = secrets.token_urlsafe(24)
        sources = SqlSources(self.url)
        try:
            sources.register(source, write_key_hash=hash_write_key(write_key), at=self.clock.now())
        finally:
            sources.close()
        keep_key(self.path, source.name, write_key)
        return write_key


def stop_home(path: Path) -> bool:
    """Stop what runs for this home: its services, its database, its broker. False: nothing ran.

    Of a configuration only the services on this machine are stopped.
    """
    from services.identity.adapters.embedded import server

    place = place_of(path)
    if not place.folder.is_dir():
        return False
    stopped = stop_processes(place.folder) > 0
    if place.config is not None:
        return stopped
    stopped = server.stop(place.folder) or stopped
    if (place.folder / BROKER_FOLDER).is_dir():
        from services.identity.adapters.kafka.broker import LocalBroker

        stopped = LocalBroker(place.folder / BROKER_FOLDER).stop() or stopped
    return stopped


def _database_of(place: Place) -> str:
    if place.config is not None:
        return place.config.database.get_secret_value() if place.config.database else ""
    from services.identity.adapters.embedded import server

    return server.start(place.folder)


def _security_of(place: Place) -> "KafkaSecurity":
    from services.identity.adapters.kafka.connection import KafkaSecurity

    config = place.config
    if config is None or config.kafka is None:
        return KafkaSecurity()
    password = config.kafka_password
    return KafkaSecurity(
        protocol=config.kafka.protocol,
        ca_file=None if config.kafka.ca_file is None else str(config.kafka.ca_file),
        sasl_mechanism=config.kafka.sasl_mechanism,
        username=config.kafka.username,
        password=None if password is None else password.get_secret_value(),
    )
