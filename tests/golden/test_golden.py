"""Generated files are what the code says today; `make schemas` rewrites them."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.golden.documents import REQUESTS, ROOT, contract_of, documents

GENERATED = documents()
MESSAGES = sorted(path for path in GENERATED if path.parts[-3] == "channel-events")


@pytest.mark.parametrize("path", sorted(GENERATED), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text() == GENERATED[path], "run `make schemas` and review the diff"


def test_no_schema_is_left_over_from_a_contract_that_is_gone() -> None:
    assert set((ROOT / "schemas/events").glob("*.json")) <= set(GENERATED)


@pytest.mark.parametrize("path", sorted(REQUESTS.glob("*.json")), ids=lambda path: path.stem)
def test_an_example_of_a_request_keeps_its_contract(path: Path) -> None:
    schema = _schema(contract_of(path))
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(_json(path))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_a_message_is_a_channel_event_and_a_cloud_event(path: Path) -> None:
    message = _json(path)
    jsonschema_rs.validator_for(_schema("channel_event"), validate_formats=True).validate(message)
    cloud_event = _json(ROOT / "tests/data/cloudevents.schema.json")
    jsonschema_rs.validator_for(cloud_event, validate_formats=True).validate(message)


def test_every_contract_has_an_example() -> None:
    ours = {path.name.partition(".")[0] for path in (ROOT / "schemas/events").glob("*.json")}
    shown = {contract_of(path) for path in REQUESTS.glob("*.json")}
    changes = {"profile_change", "segment_change"}
    messages = {"channel_event", "dead_letter", "identity_command", *changes}
    assert ours - shown == messages


def _schema(name: str) -> dict[str, object]:
    return dict(_json(ROOT / f"schemas/events/{name}.v1.schema.json"))


def _json(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text()))
