"""`plait keys`: an API obeys what was added and revoked, by other processes, within its cache."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import typer
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.cli import api_keys
from services.cli.home import Home
from services.cli.keys import API_KEY, keep_key, keys_of
from services.identity.adapters.clock import ManualClock
from services.identity.adapters.memory.reads import MemoryReads
from services.identity.adapters.sql.async_pool import AsyncPool
from services.identity.adapters.sql.reads import SqlReads
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros
from services.profile_api.app import create_app
from services.profile_api.settings import ProfileApiSettings

pytestmark = pytest.mark.integration
SETTINGS = ProfileApiSettings(key_pepper=SecretStr("not-a-secret-of-a-test"))


@pytest.fixture
def file(database_url: str, tmp_path: Path) -> Path:
    made = tmp_path / "keys.yaml"
    pepper = SETTINGS.key_pepper.get_secret_value()
    made.write_text(f"database: {database_url}\npepper: {pepper}\nstate: state\n")
    return made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(Micros(0))


@pytest.fixture
def client(database_url: str, clock: ManualClock) -> Iterator[TestClient]:
    app = create_app(
        SETTINGS, SqlReads(AsyncPool(database_url)), MemoryReads(), clock, random=bytes
    )
    with TestClient(app) as client:
        yield client


def ask(client: TestClient, key: str) -> int:
    return client.get("/v1/segments", headers={"Authorization": f"Bearer {key}"}).status_code


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return dict(msgspec.json.decode(capsys.readouterr().out))


def test_a_key_works_from_when_it_was_added_until_seconds_after_it_was_revoked(
    file: Path, client: TestClient, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    api_keys.add(scope=["segments:read"], label="shop", home=file, as_json=True)
    made = told(capsys)
    other = Home(file).add_api_key(api_keys._scopes(["profiles:read"]), label="other")  # noqa: SLF001  # as the command reads them
    assert ask(client, str(made["key"])) == 200
    assert ask(client, other.text) == 403
    api_keys.list_keys(home=file, as_json=True)
    listed = told(capsys)["keys"]
    assert isinstance(listed, list)
    assert [(each["label"], each["scopes"]) for each in listed] == [
        ("shop", ["segments:read"]),
        ("other", ["profiles:read"]),
    ]
    assert str(made["key"]).rpartition("_")[2] not in str(listed)
    api_keys.revoke(str(made["id"]), home=file, as_json=True)
    clock.advance(SETTINGS.key_cache_ms * 1_000)
    assert ask(client, str(made["key"])) == 401
    assert ask(client, other.text) == 403


def test_what_is_not_there_cannot_be_revoked_and_a_scope_that_is_none_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        api_keys.revoke("0123456789ab", home=file)
    assert "no key has this id" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"no scope profiles:all; there are .*profiles:read"):
        api_keys.add(scope=["profiles:all"], label="shop", home=file)


def test_a_home_forgets_its_own_key_when_it_is_revoked(file: Path) -> None:
    opened = Home(file)
    made = opened.add_api_key(api_keys._scopes(["segments:read"]), label="home")  # noqa: SLF001  # as above
    keep_key(opened.path, API_KEY, made.text)
    api_keys.revoke(made.stored.prefix, home=file)
    assert API_KEY not in keys_of(opened.path)
