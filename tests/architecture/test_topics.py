"""The topics of the code and the files of schemas/topics say the same."""

from pathlib import Path

import pytest

from services.identity.adapters.topics import TopicDeclaration, declarations, load_topics
from services.identity.wire.topics import TOPICS

SCHEMAS = Path(__file__).parents[2] / "schemas"
SERVICES = {"ingest", "resolver", "profile-api", "cli"}


def named(declaration: TopicDeclaration) -> str:
    return declaration.topic


def test_every_topic_has_a_file_and_every_file_is_a_topic() -> None:
    assert sorted(path.stem for path in (SCHEMAS / "topics").iterdir()) == sorted(TOPICS)


def test_settings_come_in_the_order_of_the_code() -> None:
    assert tuple(each.name for each in load_topics()) == TOPICS


@pytest.mark.parametrize("declaration", declarations(), ids=named)
def test_a_file_declares_the_topic_of_its_name(declaration: TopicDeclaration) -> None:
    assert (SCHEMAS / "topics" / f"{declaration.topic}.yaml").exists()
    assert declaration.producers
    assert {*declaration.producers, *declaration.consumers} <= SERVICES
    assert [each.version for each in declaration.versions] == [1]


@pytest.mark.parametrize("declaration", declarations(), ids=named)
def test_a_schema_that_is_named_exists(declaration: TopicDeclaration) -> None:
    for version in declaration.versions:
        assert version.schema is None or (SCHEMAS / version.schema).is_file()


@pytest.mark.parametrize("declaration", declarations(), ids=named)
def test_every_example_is_of_a_declared_version(declaration: TopicDeclaration) -> None:
    folder = SCHEMAS / "examples" / declaration.topic
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert found <= {f"v{each.version}" for each in declaration.versions}


def test_what_a_rebuild_needs_is_kept_for_ever() -> None:
    kept = {each.name for each in load_topics() if each.retention_ms is None and not each.compacted}
    assert kept >= {"channel-events", "channel-events-dlq", "identity-commands"}
