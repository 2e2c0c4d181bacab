"""`plait doctor` tells of topics that are not as declared, and sets right what only grows."""

from pathlib import Path

import msgspec
import pytest

from services.cli.home import Home
from services.cli.log_topics import mend
from services.identity.ports import TopicSettings

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
