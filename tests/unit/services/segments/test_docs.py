"""docs/segments.md says what the language does: every name is told, every example is read."""

import re
from pathlib import Path

import pytest
import yaml

from services.segments.catalogue import BUILT_INS, FUNCTIONS, LISTS, TEXT_FUNCTIONS
from services.segments.definition import parse_segment
from services.segments.evaluate import Evaluator
from services.segments.predicate import IN_LIST_MAX, parse_predicate
from services.segments.syntax import BRACKETS_MAX, CHARACTERS_MAX
from tests.profile_factory import a_profile
from tests.unit.services.segments.test_evaluate import a_segment

TEXT = (Path(__file__).parents[4] / "docs/segments.md").read_text()
TRUTHS = {"true": "TRUE", "false": "FALSE", "unknown": "missing"}
TABLE = re.findall(r"^\| (true|false|unknown) " + r"\| (\w+) " * 4 + r"\|$", TEXT, re.MULTILINE)
CASES = re.findall(r"^\| (`.+`) \| (true|false|unknown) \|$", TEXT, re.MULTILINE)


def answer(predicate: str) -> str:
    """What the predicate is of somebody of whom nothing is known."""
    evaluator = Evaluator([a_segment(predicate), a_segment(f"NOT ({predicate})", name="not")])
    assert evaluator.broken == {}
    (found,) = evaluator.evaluate([a_profile()])
    return "true" if "s" in found else "false" if "not" in found else "unknown"


def test_the_file_of_the_page_is_a_segment() -> None:
    example = re.search(r"```yaml\n(.+?)```", TEXT, re.DOTALL)
    assert example is not None
    parse_predicate(parse_segment(yaml.safe_load(example[1])).predicate)


def test_every_name_and_bound_is_told() -> None:
    for name in (*FUNCTIONS, *BUILT_INS, *LISTS, *TEXT_FUNCTIONS):
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", TEXT), name
    for bound in (CHARACTERS_MAX, BRACKETS_MAX, IN_LIST_MAX):
        assert f"{bound:,}" in TEXT


@pytest.mark.parametrize("row", TABLE, ids="-".join)
def test_a_row_of_the_truth_table(row: tuple[str, ...]) -> None:
    a, b = TRUTHS[row[0]], TRUTHS[row[1]]
    assert [answer(p) for p in (f"{a} AND {b}", f"{a} OR {b}", f"NOT {a}")] == list(row[2:])


def test_the_tables_were_found() -> None:
    assert (len(TABLE), len(CASES)) == (9, 7)


@pytest.mark.parametrize(("predicates", "expected"), CASES, ids=str)
def test_a_row_of_what_is_unknown(predicates: str, expected: str) -> None:
    for predicate in re.findall(r"`([^`]+)`", predicates):
        assert answer(predicate) == expected, predicate
