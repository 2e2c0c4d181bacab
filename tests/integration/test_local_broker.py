"""The local broker is found again, ends when told, and touches no process but its own."""

import os
from pathlib import Path

import pytest

from services.identity.adapters.kafka import broker
from services.identity.adapters.kafka.broker import LocalBroker
from services.identity.domain.errors import UsageError


@pytest.mark.kafka
def test_a_broker_is_found_again_by_its_folder(kafka_bootstrap: str, kafka_folder: Path) -> None:
    assert LocalBroker(kafka_folder).is_running()
    assert LocalBroker(kafka_folder).start() == kafka_bootstrap


@pytest.mark.kafka
def test_it_listens_on_this_machine_only(kafka_bootstrap: str) -> None:
    port = int(kafka_bootstrap.rpartition(":")[2])
    listening = [
        line.split()[1].partition(":")[0]
        for file in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(file).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == port
    ]
    assert listening
    assert all(address.endswith("0100007F") for address in listening)


def test_a_folder_without_a_broker_has_nothing_to_stop(tmp_path: Path) -> None:
    assert not LocalBroker(tmp_path / "never").stop()
    assert not LocalBroker(tmp_path).stop()


def test_a_stale_process_id_is_not_signalled(tmp_path: Path) -> None:
    (tmp_path / "broker.pid").write_text(f"{os.getpid()} 9092\n")
    assert not LocalBroker(tmp_path).is_running()
    assert not LocalBroker(tmp_path).stop()


def test_missing_java_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "apt install openjdk" in str(broker.what_is_missing())
    with pytest.raises(UsageError, match="apt install openjdk"):
        LocalBroker(tmp_path).start()


def _java(folder: Path, version: str) -> str:
    """A stand-in that only says its version."""
    file = folder / "java"
    file.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2", "16"])
def test_an_old_java_says_how_to_get_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    java = _java(tmp_path, version)
    monkeypatch.setattr("shutil.which", lambda _: java)
    assert "needs Java 17 or newer: apt install" in str(broker.what_is_missing())


def test_missing_maven_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = _java(tmp_path, "17.0.15")
    monkeypatch.setattr(broker, "INFRA", tmp_path)
    monkeypatch.setattr("shutil.which", lambda name: None if name == "mvn" else java)
    (tmp_path / "pom.xml").write_text("")
    assert "apt install maven" in str(broker.what_is_missing())
    with pytest.raises(UsageError, match="apt install maven"):
        LocalBroker(tmp_path / "broker").start()
