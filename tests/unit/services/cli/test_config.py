"""What a configuration file may say, and what is answered when it says something else."""

from pathlib import Path

import pytest

from services.cli.config import read_configuration
from services.identity.domain.errors import UsageError

URL = "postgresql://plait:hunter2@db.example.org/plait"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAIT_DATABASE", "PLAIT_PEPPER", "PLAIT_KAFKA", "PLAIT_PORTS__API"):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str) -> Path:
    path = folder / "plait.yaml"
    path.write_text(text)
    return path


def test_a_database_is_enough(tmp_path: Path) -> None:
    read = read_configuration(written(tmp_path, f"database: {URL}"))
    assert read.database is not None
    assert read.database.get_secret_value() == URL
    assert (read.kafka, read.host) == (None, "127.0.0.1")
    assert (read.ports.api, read.ports.ingest, read.ports.resolver) == (8400, 8401, 8402)
    assert "hunter2" not in repr(read)


def test_everything_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    (tmp_path / "pepper").write_text("p" * 32)
    (tmp_path / "kafka").write_text("let me in")
    text = """
database_file: url
pepper_file: pepper
kafka: {bootstrap: "a.example.org:9092,b.example.org:9092", protocol: SASL_SSL, ca_file: ca.pem,
  sasl_mechanism: PLAIN, username: plait}
kafka_password_file: kafka
host: 0.0.0.0
ports: {api: 9000}
state: here
"""
    read = read_configuration(written(tmp_path, text))
    secrets = (read.database, read.pepper, read.kafka_password)
    assert [each.get_secret_value() for each in secrets if each] == [URL, "p" * 32, "let me in"]
    assert read.kafka is not None
    assert read.kafka.ca_file == tmp_path / "ca.pem"
    assert (read.ports.api, read.ports.ingest) == (9000, 8401)
    assert read.state == tmp_path / "here"


def test_kafka_may_be_an_address_alone(tmp_path: Path) -> None:
    read = read_configuration(written(tmp_path, f"database: {URL}\nkafka: 127.0.0.1:9092"))
    assert read.kafka is not None
    assert read.kafka.bootstrap == "127.0.0.1:9092"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_DATABASE", URL)
    monkeypatch.setenv("PLAIT_PORTS__API", "9001")
    text = "database: postgresql://elsewhere.example.org/plait\nports: {api: 9000, ingest: 9002}"
    read = read_configuration(written(tmp_path, text))
    assert read.database is not None
    assert read.database.get_secret_value() == URL
    assert (read.ports.api, read.ports.ingest) == (9001, 9002)


WRONG = {
    "nothing": ("", "database is needed"),
    "another database": ("database: mysql://hunter2@db.example.org/x", "postgresql://"),
    "an unknown key": (f"databse: {URL}", "unknown key 'databse'; known are database,"),
    "an unknown port": (f"database: {URL}\nports: {{web: 1}}", "unknown key 'ports.web'"),
    "a port that is none": (f"database: {URL}\nports: {{api: 99999}}", "ports.api: Input should"),
    "a broker without port": (f"database: {URL}\nkafka: hunter2", "kafka.bootstrap: "),
    "a short pepper": (f"database: {URL}\npepper: hunter2", "a pepper has 16 to 64"),
    "two peppers": (
        f"database: {URL}\npepper: hunter2hunter2hunter2\npepper_file: x",
        "give pepper or pepper_file, not both",
    ),
    "no file": (f"database: {URL}\npepper_file: missing", "pepper_file cannot be read"),
    "a list": ("- database", "must be names with values"),
    "no YAML": ("database: [hunter2", "is not YAML, line"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_not_repeated(tmp_path: Path, case: str) -> None:
    text, words = WRONG[case]
    with pytest.raises(UsageError) as raised:
        read_configuration(written(tmp_path, text))
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_configuration(tmp_path / "plait.yaml")
