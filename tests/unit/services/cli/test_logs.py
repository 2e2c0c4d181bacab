"""Log lines: JSON, with fields of ours only; what others say about values stays out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from services.cli.logs import Level, start_logging

SAID = "kate@example.org"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("plait")
    before = root.handlers[:], root.level, ours.level
    yield io.StringIO()
    root.handlers[:], level, our_level = before[0], before[1], before[2]
    root.setLevel(level)
    ours.setLevel(our_level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_ours_has_its_fields(stream: io.StringIO) -> None:
    log = start_logging(Level.INFO, stream)
    log.getChild("resolver").warning("dead letters", extra={"reasons": {"bad_time": 2}})
    log.debug("too light")
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "plait.resolver",
        "event": "dead letters",
        "reasons": {"bad_time": 2},
    }


def test_what_a_library_says_about_values_is_left_out(stream: io.StringIO) -> None:
    start_logging(Level.DEBUG, stream)
    logging.getLogger("kafka.client").warning("cannot send %s", SAID, extra={"key": SAID})
    logging.getLogger("kafka.client").info("chatter")
    (line,) = lines(stream)
    assert line["event"] == "cannot send %s"
    assert SAID not in stream.getvalue()


def test_of_an_error_its_place_is_told_and_not_its_words(stream: io.StringIO) -> None:
    log = start_logging(Level.INFO, stream)
    try:
        int(SAID)
    except ValueError:
        log.exception("a fault")
        logging.getLogger("uvicorn.error").exception("a fault")
    for line in lines(stream):
        assert line["error"] == "ValueError"
        assert line["frames"][-1].endswith("test_of_an_error_its_place_is_told_and_not_its_words")
    assert len(lines(stream)) == 2
    assert SAID not in stream.getvalue()
