"""What stands in infra/ can be read by the tools it is for, and speaks of what is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.identity.adapters.sql.tables import metadata

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
DOCKERFILE = INFRA / "docker" / "service.Dockerfile"
INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER",
    "VOLUME", "WORKDIR",
}  # fmt: skip

COMPOSE_WORDS = {
    "build", "command", "depends_on", "environment", "healthcheck", "image", "network_mode",
    "shm_size", "stop_grace_period", "volumes",
}  # fmt: skip
TESTED_ALIKE = (
    "process.roles", "node.id", "listener.security.protocol.map", "controller.listener.names",
    "inter.broker.listener.name", "auto.create.topics.enable", "log.retention.ms",
    "default.replication.factor", "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
)  # fmt: skip


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((INFRA / "compose.yaml").read_text()))


def instructions() -> list[str]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_every_instruction_of_the_dockerfile_is_one() -> None:
    assert {line.split()[0] for line in instructions()} <= INSTRUCTIONS
    assert instructions()[0].startswith("FROM ")


def test_what_the_dockerfile_copies_exists() -> None:
    copied = [
        name
        for line in instructions()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_compose_builds_what_is_there_and_mounts_what_it_declares() -> None:
    document = compose()
    for service in document["services"].values():
        assert {"image", "build"} & service.keys()
        mounted = {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert mounted <= document["volumes"].keys()
        assert service.get("depends_on", {}).keys() <= document["services"].keys()
    build = document["services"]["plait"]["build"]
    assert ((INFRA / build["context"]).resolve() / build["dockerfile"]).is_file()


class _Strict(yaml.SafeLoader):
    """YAML lets a key be written twice and keeps the last; here that is an error."""


def _no_key_twice(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"written twice in line {node.start_mark.line + 1}"
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _no_key_twice)


def test_compose_says_only_what_the_specification_knows() -> None:
    """A misspelt word of the Compose specification is none of those that the file may use."""
    document = yaml.load((INFRA / "compose.yaml").read_text(), _Strict)  # noqa: S506  # safe: derived
    assert document.keys() <= {"name", "services", "volumes"}
    for service in document["services"].values():
        assert service.keys() <= COMPOSE_WORDS
        assert all(isinstance(value, str) for value in service.get("environment", {}).values())
        assert {each["condition"] for each in service.get("depends_on", {}).values()} <= {
            "service_healthy"
        }
        image = service.get("image", "built:here")
        assert ":" in image
        assert not image.endswith(":latest")


def test_compose_waits_for_a_service_only_if_it_says_when_it_is_healthy() -> None:
    services = compose()["services"]
    for service in services.values():
        for name in service.get("depends_on", {}):
            assert services[name]["healthcheck"]["test"]


def test_the_broker_of_compose_is_set_up_as_the_one_that_is_tested() -> None:
    """The same words, as the image reads them, but for ports, folders and what is a test's."""
    environment = compose()["services"]["kafka"]["environment"]
    tested = dict(
        line.split("=", maxsplit=1)
        for line in (INFRA / "kafka" / "server.properties.template").read_text().splitlines()
        if line and not line.startswith("#")
    )
    said = {name.removeprefix("KAFKA_").lower().replace("_", "."): name for name in environment}
    assert said.keys() - tested.keys() <= {"log.dirs"}
    for name in TESTED_ALIKE:
        assert environment[said[name]] == tested[name], name
    listens = dict(each.split("://") for each in environment["KAFKA_LISTENERS"].split(","))
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{listens['PLAINTEXT']}"
    voter = environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert voter == f"{environment['KAFKA_NODE_ID']}@{listens['CONTROLLER']}"
    command = compose()["services"]["plait"]["command"]
    assert command[command.index("--kafka") + 1] == listens["PLAINTEXT"]


def test_the_broker_of_compose_is_the_one_that_is_tested() -> None:
    tested = re.search(r"<version>([\d.]+)</version>\s*</dependency>", _pom())
    assert tested
    assert compose()["services"]["kafka"]["image"].endswith(f":{tested[1]}")


def _pom() -> str:
    return (INFRA / "kafka" / "pom.xml").read_text()


def test_rights_are_given_on_tables_that_exist_and_every_table_is_someones() -> None:
    text = re.sub(r"--.*", "", (INFRA / "postgres" / "roles.sql").read_text())
    grants = re.findall(r"GRANT (?!USAGE)[\w, ]+ ON\s+([\w,\s]+?)\s+TO (\w+)", text)
    named = {
        name.strip()
        for tables, _ in grants
        if "ALL TABLES" not in tables
        for name in tables.split(",")
    }
    assert named <= metadata.tables.keys()
    assert metadata.tables.keys() - named == set()


@pytest.mark.parametrize("role", ["plait_ingest", "plait_api"])
def test_only_the_resolver_may_change_derived_state(role: str) -> None:
    text = re.sub(r"--.*", "", (INFRA / "postgres" / "roles.sql").read_text())
    derived = {"record", "key", "edge", "membership", "profile", "segment_membership", "outbox"}
    for rights, tables in re.findall(rf"GRANT ([A-Z, ]+) ON\s+([\w,\s]+?)\s+TO {role};", text):
        if rights != "SELECT":
            assert not derived & {name.strip() for name in tables.split(",")}


def test_hooks_run_the_tools_of_the_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert all(repo["repo"] == "local" for repo in hooks)
    assert all(h["entry"].startswith(".venv/bin/") for repo in hooks for h in repo["hooks"])
