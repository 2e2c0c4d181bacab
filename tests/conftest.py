"""Servers that tests share: one PostgreSQL a worker and, where asked for, one Kafka broker."""

import gc
import itertools
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from services.identity.adapters.embedded import server
from services.identity.adapters.kafka import broker
from services.identity.adapters.sql.engine import create_schema
from tests.spread import Spread, in_order

_numbers = itertools.count(1)
FOLDERS_SHOWN = 8


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where a run's time went, by folder."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = "/".join(report.nodeid.split("::")[0].split("/")[:-1])
                seconds[folder] += report.duration
    left_out = sum(
        1 for report in terminalreporter.stats.get("skipped", ()) if "kafka" in report.keywords
    )
    if left_out:
        terminalreporter.section("left out")
        missing = broker.what_is_missing()
        terminalreporter.write_line(f"{left_out} tests on a real Kafka broker. {missing}")
    terminalreporter.section("slowest folders")
    for folder, spent in sorted(seconds.items(), key=lambda each: -each[1])[:FOLDERS_SHOWN]:
        terminalreporter.write_line(f"{spent:7.1f} s  {folder}")


def pytest_configure(config: pytest.Config) -> None:
    # kafka-python 3.0.12 reads its protocol's schemas this way when it is imported.
    config.addinivalue_line(
        "filterwarnings", "ignore:(read|open)_text is deprecated:DeprecationWarning"
    )


def pytest_unconfigure() -> None:
    """Scorers are shared by all tests, so nobody closes them; DuckDB wants them gone at the end."""
    scoring = sys.modules.get("services.linkage.score")
    if scoring is None:
        return
    gc.collect()
    for each in gc.get_objects():
        if isinstance(each, scoring.PairScorer):
            each.close()
            vars(each).clear()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist: several workers, `make test`
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:  # noqa: ANN401  # xdist's
    return Spread(config, log)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One embedded PostgreSQL for all that this process tests, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="plait-tests-") as folder:
        home = Path(folder)
        url = server.start(home)
        # Its data dies with the run: waiting for the disk would prove nothing here. Tests of
        # durability start a server of their own.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield url
        finally:
            server.stop(home)


@pytest.fixture(scope="session")
def _template_database(postgres_url: str) -> str:
    name = "plait_template"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(_with_database(postgres_url, name), autocommit=True) as connection:
        create_schema(connection)
    return name


@pytest.fixture
def database_url(postgres_url: str, _template_database: str) -> Iterator[str]:
    """A fresh database with the schema created: a clone of a template, dropped afterwards."""
    name = f"plait_test_{next(_numbers)}"
    create = f"CREATE DATABASE {name} TEMPLATE {_template_database} STRATEGY file_copy"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(create)
    yield _with_database(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def kafka_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plait-tests-kafka-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_folder: Path) -> Iterator[str]:
    """One Kafka broker for the whole run, started when the first test asks for it."""
    missing = broker.what_is_missing()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    local = broker.LocalBroker(kafka_folder)
    try:
        yield local.start()
    finally:
        local.stop()


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
