"""The synthetic base is the same at every run, and nothing that is sent tells who is who."""

import json
import re
from collections import Counter, defaultdict

import pytest

from services.cli.demo.population import Entry, population
from services.cli.demo.story import Door

PEOPLE = 300


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return population(PEOPLE)


def test_it_is_the_same_at_every_run(entries: list[Entry]) -> None:
    assert population(PEOPLE) == entries


def test_another_seed_gives_other_people(entries: list[Entry]) -> None:
    assert population(PEOPLE, seed=7) != entries


def test_everyone_is_somewhere_and_most_are_in_several_channels(entries: list[Entry]) -> None:
    channels = defaultdict(set)
    for entry in entries:
        channels[entry.person].add(entry.record.source)
    assert set(channels) == set(range(PEOPLE))
    several = sum(len(each) > 1 for each in channels.values())
    assert 0.5 < several / PEOPLE < 0.8
    assert any(len(each) == 4 for each in channels.values())


def test_keys_and_message_ids_are_told_apart(entries: list[Entry]) -> None:
    assert len({entry.record for entry in entries}) == len(entries)
    assert len({entry.event["messageId"] for entry in entries}) == len(entries)


def test_no_key_tells_whose_it_is(entries: list[Entry]) -> None:
    """Records of one person share no prefix more often than records of two."""
    for entry in entries:
        sent = json.dumps(entry.event)
        assert "person" not in sent
        assert "truth" not in sent
        assert re.fullmatch(r"[wmcb]-[0-9a-f]{9,}", entry.record.key)


def test_times_are_fixed_and_nothing_says_when_it_was_sent(entries: list[Entry]) -> None:
    assert all(entry.event["timestamp"].startswith("2025-01-") for entry in entries)
    assert not any("sentAt" in entry.event for entry in entries)


def test_all_four_doors_are_used(entries: list[Entry]) -> None:
    doors = Counter(entry.door for entry in entries)
    assert set(doors) == {Door.SDK, Door.MOBILE, Door.CALLS, Door.BILLING}
    assert min(doors.values()) > PEOPLE / 5
