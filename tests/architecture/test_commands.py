"""Every command has help, and docs/cli.md says what `plait --help` says."""

from typing import Any

import pytest

from tests.architecture.cli_page import COMMON, PAGE, commands, options_of, page

COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_and_its_options_say_what_they_do(words: str) -> None:
    command: Any = COMMANDS[words]
    assert (command.help or "").strip()
    silent = [each.opts[0] for each in options_of(command) if not each.help]
    assert not silent


def test_the_page_lists_every_command_as_it_is() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `python -m tests.architecture.cli_page` and review the diff"


@pytest.mark.parametrize("words", sorted(set(COMMANDS) - {"plait down"}))
def test_a_command_takes_a_home_and_prints_json(words: str) -> None:
    spelled = {name for each in options_of(COMMANDS[words]) for name in each.opts}
    makes_homes = words == "plait demo" or words.startswith("plait bench ")
    needs_none = {"--home", "--config"} if words == "plait proof" else set[str]()
    assert spelled >= set(COMMON) - ({"--config"} if makes_homes else needs_none)
