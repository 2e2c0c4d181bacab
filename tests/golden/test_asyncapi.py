"""The AsyncAPI document is one by the specification's own schema, and all it points at is there.

tests/data/asyncapi-3.0.0.schema.json.gz is `schemas/3.0.0.json` of the npm package @asyncapi/specs
6.11.1 (Apache-2.0), made smaller only.
"""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from services.identity.adapters.topics import declarations
from services.identity.domain.cluster import Change
from services.identity.wire.change_data import DATA_OF
from tests.golden.asyncapi import DOCUMENT, EXAMPLES
from tests.golden.documents import ROOT

SCHEMA = ROOT / "tests" / "data" / "asyncapi-3.0.0.schema.json.gz"
FILE = ROOT / DOCUMENT
TOPICS = [each for each in declarations() if each.versions[-1].schema]


@pytest.fixture(scope="module")
def specification() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(gzip.decompress(SCHEMA.read_bytes())))


@pytest.fixture
def document() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def target(reference: str) -> Any:  # noqa: ANN401  # whatever a document holds there
    """Raises KeyError or OSError when it points at nothing."""
    name, _, pointer = reference.partition("#")
    found: Any = json.loads(((FILE.parent / name) if name else FILE).resolve().read_text())
    for part in filter(None, pointer.split("/")):
        found = found[part]
    return found


def test_it_keeps_the_specification(
    document: dict[str, Any], specification: jsonschema_rs.Validator
) -> None:
    assert [error.message for error in specification.iter_errors(document)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("info"),
        lambda d: d["channels"]["channel-events"].update(adress="typo"),
        lambda d: d["channels"]["channel-events"]["bindings"]["kafka"].update(partitions="8"),
        lambda d: next(iter(d["operations"].values())).update(action="publish"),
    ],
    ids=["no info", "a misspelt word", "a number as text", "an action of version 2"],
)
def test_what_breaks_the_specification_is_seen(
    document: dict[str, Any],
    specification: jsonschema_rs.Validator,
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert not specification.is_valid(spoilt)


def test_all_it_points_at_is_there(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert target(reference)


def test_every_topic_is_a_channel_as_it_is_declared(document: dict[str, Any]) -> None:
    assert document["channels"].keys() == {each.topic for each in declarations()}
    for topic in declarations():
        binding = document["channels"][topic.topic]["bindings"]["kafka"]
        assert binding["partitions"] == topic.settings.partitions
        assert binding["replicas"] == topic.settings.replication_factor


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.topic)
def test_every_example_of_a_topic_is_what_its_channel_says(topic: Any) -> None:  # noqa: ANN401  # by pytest
    reference = f"../{topic.versions[-1].schema}"
    validator = jsonschema_rs.validator_for(target(reference), validate_formats=True)
    examples = sorted((ROOT / "schemas/examples" / topic.topic / "v1").glob("*.json"))
    assert examples
    for example in examples:
        errors = [error.message for error in validator.iter_errors(_json(example))]
        assert errors == [], example.name


@pytest.mark.parametrize("topic", DATA_OF)
def test_each_type_of_change_has_an_example_and_its_data_is_looked_at(topic: str) -> None:
    folder = ROOT / "schemas/examples" / topic / "v1"
    assert {path.stem for path in folder.iterdir()} == set(DATA_OF[topic])
    schema = {str(each.topic): each.versions[-1].schema for each in TOPICS}[topic]
    validator = jsonschema_rs.validator_for(target(f"../{schema}"))
    for path in folder.iterdir():
        assert not validator.is_valid(_json(path) | {"data": {"other": 1}, "type": path.stem})
        assert not validator.is_valid(_json(path) | {"type": "profile.renamed"})


def test_every_change_of_a_cluster_is_an_example() -> None:
    assert {type(each) for each in EXAMPLES} == set(Change.__args__)


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))
