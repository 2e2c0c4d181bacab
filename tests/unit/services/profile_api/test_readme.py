"""The README names every setting, scope and path that there is."""

import re
from pathlib import Path

from services.profile_api import settings as module
from services.profile_api.auth import Scope
from services.profile_api.openapi import scopes
from services.profile_api.settings import ProfileApiSettings
from tests.unit.services.profile_api.conftest import Office

README = Path(module.__file__).with_name("README.md").read_text()


def test_every_setting_is_told_and_none_else() -> None:
    section = README.partition("## Settings")[2].partition("## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert told == set(ProfileApiSettings.model_fields)


def test_every_path_and_scope_is_told(office: Office) -> None:
    paths = {path for path, _, _ in scopes(office.app())}
    for path in paths - {"/docs/static/{name}"}:
        short = path.replace("{segment}", "{id}")
        assert short in README, path
    for scope in Scope:
        assert f"`{scope}`" in README
