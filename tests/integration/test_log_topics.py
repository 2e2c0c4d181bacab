"""`plait doctor` tells of topics that are not as declared, mends what only grows; and of losses."""

from pathlib import Path

import msgspec
import pytest
import typer

from services.cli.home import Home
from services.cli.log_topics import mend
from services.cli.look import doctor
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ids import Micros
from services.identity.ports import Loss, Partition, TopicSettings
from services.resolver.losses import step_over

pytestmark = pytest.mark.integration


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Home:
    file = tmp_path / "doctor.yaml"
    file.write_text(f"database: {database_url}\npepper: not-a-secret-of-a-test\nstate: state\n")
    return Home(file)


def set_otherwise(home: Home, **changes: object) -> None:
    """As if another hand had been at work."""
    settings = TopicSettings(name="profile-changes", partitions=8)
    raw = msgspec.json.encode(msgspec.to_builtins(settings) | changes).decode()
    with home.connection() as connection:
        connection.execute(
            "UPDATE log_topic SET settings = %s::jsonb WHERE topic = 'profile-changes'", (raw,)
        )
        connection.commit()


def test_a_new_log_is_healthy_and_stays_so(home: Home) -> None:
    assert mend(home) == ([], [])
    assert mend(home) == ([], [])


def test_what_is_too_small_is_set_right_and_told(home: Home) -> None:
    mend(home)
    set_otherwise(home, retention_ms=1_000)
    told = "topic profile-changes: retention_ms is 1000, declared is unlimited"
    assert mend(home) == ([], [told])
    assert mend(home) == ([], [])


def test_what_is_too_large_stays_wrong(home: Home) -> None:
    mend(home)
    set_otherwise(home, message_bytes_max=9_000_000)
    faults, changed = mend(home)
    assert "message_bytes_max is 9000000, declared is 1048576" in faults[0]
    assert "cannot shrink" in faults[1]
    assert changed == []
    assert mend(home) == (faults, [])


def test_losses_are_listed_and_a_fault_until_they_are_accepted(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.place.file
    assert file is not None
    store = SqlStore(home.url)
    loss = Loss(partition=Partition("channel-events", 1), first=0, kept=3)
    step_over(store, "resolver", [loss], at=Micros(0))
    store.close()
    check = "every message landed before it was removed"
    with pytest.raises(typer.Exit):
        doctor(home=file, as_json=True)
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["checks"][check] is False
    assert [(each["subject"], each["messages"]) for each in told["losses"]] == [
        ("channel-events/1/0 to 2", 3)
    ]
    doctor(home=file, accept_losses=True, as_json=True)
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["checks"][check] is True
    assert len(told["losses"]) == 1
