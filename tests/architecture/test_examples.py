"""Every example in schemas/examples is used: it is generated, or read by the golden tests."""

import json
from pathlib import Path

import pytest

from services.identity.wire import changes, commands, dead_letter, events
from tests.golden.documents import REQUESTS, ROOT, contract_of, documents

EXAMPLES = sorted((ROOT / "schemas" / "examples").rglob("*"))
FILES = [path for path in EXAMPLES if path.is_file()]
GENERATED = documents()
READERS = {
    events.TOPIC: events.decode,
    events.DEAD_LETTER_TOPIC: dead_letter.decode,
    changes.PROFILE_CHANGES: changes.decode,
    changes.SEGMENT_CHANGES: changes.decode,
    commands.IDENTITY_COMMANDS: commands.read,
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT / "schemas" / "examples"))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_an_example_is_compared_or_validated_by_the_golden_tests(path: Path) -> None:
    is_request = path.parent == REQUESTS
    assert path in GENERATED or is_request
    assert path.suffix == ".json"


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != REQUESTS], ids=named)
def test_a_message_is_read_by_the_code_that_reads_its_topic(path: Path) -> None:
    assert READERS[path.parts[-3]](path.read_bytes())


@pytest.mark.parametrize("path", sorted(REQUESTS.glob("*.json")), ids=named)
def test_a_request_names_a_contract(path: Path) -> None:
    assert (ROOT / "schemas" / "events" / f"{contract_of(path)}.v1.schema.json").is_file()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_an_example_names_nobody_real(path: Path) -> None:
    text = json.dumps(json.loads(path.read_text()))
    hosts = {part.split('"')[0].split("\\")[0] for part in text.split("@")[1:]}
    assert all(host.startswith(("example.", "127.0.0.1")) for host in hosts)
