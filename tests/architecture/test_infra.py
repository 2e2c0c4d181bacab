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
