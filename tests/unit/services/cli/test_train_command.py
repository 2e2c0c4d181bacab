"""A command that is refused leaves nothing behind."""

from pathlib import Path

import pytest

from services.cli.model import train
from services.identity.domain.errors import UsageError


@pytest.mark.parametrize(
    ("file", "mapping", "source", "says"),
    [
        pytest.param("people.csv", "m.yaml", None, "no file", id="no such file"),
        pytest.param("people.csv", None, None, "--mapping", id="a file without its mapping"),
        pytest.param(None, "m.yaml", None, "--file", id="a mapping without its file"),
        pytest.param("people.csv", "m.yaml", ["web"], "--source", id="a file and a source"),
    ],
)
def test_a_file_that_is_refused_starts_no_database(
    tmp_path: Path, file: str | None, mapping: str | None, source: list[str] | None, says: str
) -> None:
    (tmp_path / "m.yaml").write_text("key: id\ncolumns: {name: full_name}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        train(
            file=None if file is None else tmp_path / file,
            mapping=None if mapping is None else tmp_path / mapping,
            source=source,
            home=tmp_path / "home",
        )
    assert not (tmp_path / "home").exists()
