"""Segment files: what they say, and what is wrong with those that cannot be read."""

import pytest
import yaml

from services.identity.domain.errors import UsageError
from services.segments.definition import parse_segment, parse_segments, to_document

FILE = """
id: tv-leeds
name: TV in Leeds
description: Who holds TV and lives in Leeds
predicate: |
  holds('tv')
  AND city = 'Leeds'
purposes: [service, marketing]
scheme: product
"""


def test_a_file_is_read_and_written_back() -> None:
    segment = parse_segment(yaml.safe_load(FILE))
    assert segment.id == "tv-leeds"
    assert segment.predicate == "holds('tv')\nAND city = 'Leeds'"
    assert segment.purposes == ("marketing", "service")
    assert parse_segment(to_document(segment)) == segment


def test_the_least_that_a_file_needs() -> None:
    segment = parse_segment({"id": "a", "name": "A", "predicate": "TRUE"})
    assert (segment.description, segment.purposes, segment.scheme) == ("", (), None)
    assert parse_segment(to_document(segment)) == segment


def test_several_segments_in_one_file() -> None:
    one = {"id": "a", "name": "A", "predicate": "TRUE"}
    assert [s.id for s in parse_segments({"segments": [one, {**one, "id": "b"}]})] == ["a", "b"]
    assert [s.id for s in parse_segments(one)] == ["a"]
    with pytest.raises(UsageError, match="'a' stands twice"):
        parse_segments({"segments": [one, one]})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "Not An Id"}, "`id:` must be"),
        ({"id": 7}, "`id:` must be"),
        ({"id": "a\n"}, None),
        ({"id": "a" * 65}, "at most 64"),
        ({"name": " "}, "`name:` must be"),
        ({"predicate": None}, "`predicate:` must be"),
        ({"predicates": "TRUE"}, "unknown segment entry 'predicates'"),
        ({"purposes": "service"}, "`purposes:` must be"),
        ({"purposes": [1]}, "`purposes:` must be"),
        ({"scheme": "A B"}, "`scheme:` must be"),
        ({"description": 1}, "`description:` must be"),
    ],
    ids=str,
)
def test_a_wrong_entry_is_named(change: dict[str, object], says: str | None) -> None:
    raw = {"id": "a", "name": "A", "predicate": "TRUE", **change}
    if says is None:
        parse_segment(raw)
        return
    with pytest.raises(UsageError, match=says):
        parse_segment(raw)


@pytest.mark.parametrize("raw", [None, [], "text", {"segments": []}, {"segments": {}, "id": "a"}])
def test_what_is_no_segment_is_refused(raw: object) -> None:
    with pytest.raises(UsageError):
        parse_segments(raw)
