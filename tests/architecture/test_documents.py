"""What the documents say is there, is there."""

import re
from pathlib import Path

import pytest

from services.identity.domain.errors import RejectReason
from services.identity.domain.kinds import Kind
from services.ingest.problems import STATUS_OF
from services.profile_api.problems import STATUS_OF as API_STATUS_OF
from services.profile_api.problems import Code
from services.segments.catalogue import BUILT_INS, FUNCTIONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "services").glob("*/README.md")]
ADRS = sorted(path for path in (DOCS / "adr").glob("*.md") if path.name != "README.md")
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
_PATH = re.compile(r"`((?:services|tests|schemas|infra|docs)/[\w./-]*\w)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_link_leads_somewhere(page: Path) -> None:
    missing = [t for t in _LINK.findall(page.read_text()) if not (page.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_file_that_is_named_exists(page: Path) -> None:
    missing = [text for text in _PATH.findall(page.read_text()) if not (ROOT / text).exists()]
    assert not missing


def test_every_reason_for_rejection_has_a_status_and_stands_in_the_runbook() -> None:
    assert set(STATUS_OF) == set(RejectReason)
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", (DOCS / "runbook.md").read_text(), re.MULTILINE)
    assert dict(rows) == {reason.value: str(status) for reason, status in STATUS_OF.items()}


def test_every_refusal_of_the_profile_api_has_a_status() -> None:
    assert set(API_STATUS_OF) == set(Code)


def test_every_kind_stands_in_the_page_of_the_mapping() -> None:
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \|", (DOCS / "mapping.md").read_text(), re.MULTILINE
    )
    assert {word for row in rows for word in re.findall(r"\w+", row)} == {k.value for k in Kind}


def test_every_segment_function_stands_in_its_page() -> None:
    text = (DOCS / "segments.md").read_text()
    assert [name for name in FUNCTIONS if f"`{name}(" not in text] == []
    assert [name for name in BUILT_INS if f"`{name}`" not in text] == []


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))
    listed = (DOCS / "adr" / "README.md").read_text()
    assert [path.name for path in ADRS if f"({path.name})" not in listed] == []


@pytest.mark.parametrize("path", ADRS, ids=named)
def test_a_decision_is_a_page_with_its_parts(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert text.count("\n") < 60
    assert re.search(r"^Status: (accepted|superseded by \d+)", text, re.MULTILINE)
    assert [part for part in ("## Why", "## Decision", "## What follows") if part not in text] == []


def test_every_target_of_the_makefile_that_is_told_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {
        name
        for page in PAGES
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert told <= targets
