"""What a mapping file may say, and what is said about a wrong one."""

from typing import Any

import pytest

from services.identity.domain.errors import UsageError
from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import parse_mapping


def test_columns_of_a_kind_are_numbered_in_their_order() -> None:
    columns = {"mail": "email", "work_mail": "email", "town": "city", "plan": "category"}
    mapping = parse_mapping({"key": "id", "columns": columns})
    assert {name: column.field for name, column in mapping.columns.items()} == {
        "mail": "email",
        "work_mail": "email_2",
        "town": "city",
        "plan": "plan",
    }
    assert (mapping.key, mapping.unique, mapping.time) == ("id", False, None)


def test_an_identifier_is_called_like_its_type() -> None:
    columns = {
        "card": {"kind": "identifier"},
        "number": {"kind": "identifier", "type": "account_number", "strength": "decisive"},
    }
    found = parse_mapping({"key": "id", "columns": columns}).columns
    assert [(c.field, c.identifier_type, c.strength) for c in found.values()] == [
        ("card", "card", "evidence"),
        ("account_number", "account_number", "decisive"),
    ]


def test_the_format_of_a_file_is_read() -> None:
    raw = {"key": "id", "columns": {"a": "text"}, "format": {"delimiter": ";", "quote": "'"}}
    found = parse_mapping(raw | {"time": "seen", "unique": True})
    assert (found.format.delimiter, found.format.quote, found.format.encoding) == (
        ";",
        "'",
        "utf-8",
    )
    assert (found.time, found.unique, found.columns["a"].kind) == ("seen", True, Kind.TEXT)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"keys": "id"}, "unknown mapping entry 'keys'", id="unknown-entry"),
        pytest.param({"key": ""}, "`key:` must name", id="no-key"),
        pytest.param({"columns": {}}, "`columns:` must say", id="no-columns"),
        pytest.param({"columns": {"a": "colour"}}, "unknown kind 'colour'", id="unknown-kind"),
        pytest.param(
            {"columns": {"a": {"kind": "identifier", "strength": "strong"}}},
            "strength must be one of",
            id="unknown-strength",
        ),
        pytest.param({"time": 5}, "`time:` must name", id="time-is-no-column"),
        pytest.param({"unique": "yes"}, "`unique:` must be", id="unique-is-no-truth"),
        pytest.param({"format": {"delimiter": ";;"}}, "one character", id="two-delimiters"),
        pytest.param({"format": {"comment": "#"}}, "unknown format entry", id="unknown-format"),
        pytest.param({"format": "csv"}, "`format:` must be", id="format-is-no-table"),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_mapping({"key": "id", "columns": {"a": "text"}} | changes)


def test_a_mapping_is_a_table() -> None:
    with pytest.raises(UsageError, match="must hold"):
        parse_mapping(["key"])
