"""A service's README lists its settings: the fields of its settings class, with their defaults."""

import importlib
import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

SERVICES = Path(__file__).parents[2] / "services"
WITH_SETTINGS = sorted(path.parent.name for path in SERVICES.glob("*/settings.py"))
RUNNING = ("ingest", "profile_api", "resolver")


def settings_class(service: str) -> type[BaseSettings]:
    module = importlib.import_module(f"services.{service}.settings")
    (found,) = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseSettings) and each is not BaseSettings
    ]
    return found


def listed(service: str) -> dict[str, str]:
    """Setting -> default, of the table below the README's heading."""
    text = (SERVICES / service / "README.md").read_text()
    section = text.partition("## Settings")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))


@pytest.mark.parametrize("service", RUNNING)
def test_a_service_says_what_it_owns(service: str) -> None:
    assert (SERVICES / service / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize("service", WITH_SETTINGS)
def test_the_readme_lists_the_settings(service: str) -> None:
    assert set(listed(service)) == set(settings_class(service).model_fields)


@pytest.mark.parametrize("service", WITH_SETTINGS)
def test_the_readme_gives_the_defaults(service: str) -> None:
    fields = settings_class(service).model_fields
    numbers = {name: each.default for name, each in fields.items() if type(each.default) is int}
    assert {name: listed(service)[name].strip() for name in numbers} == {
        name: str(value) for name, value in numbers.items()
    }


@pytest.mark.parametrize("service", WITH_SETTINGS)
def test_settings_are_frozen_and_named_after_their_service(service: str) -> None:
    config = settings_class(service).model_config
    assert config["frozen"] is True
    assert config["env_prefix"] == f"PLAIT_{service.upper()}__"
    assert config["env_prefix"] in (SERVICES / service / "README.md").read_text()
