"""Numbers come through binary COPY as they were, however many pieces they are written in."""

import numpy as np
import pytest

from services.identity.adapters.sql import integer_copy
from services.identity.adapters.sql.engine import connect

LOWEST, HIGHEST = -(2**63), 2**63 - 1


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
def test_numbers_come_back(database_url: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integer_copy, "_ROWS_MAX", 3)
    subjects = np.array([LOWEST, HIGHEST, 0, -1, 1, 2**40, -(2**40)], dtype=np.int64)[:rows]
    kinds = np.arange(-3, 4, dtype=np.int16)[:rows]
    with connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE numbers (kind smallint, subject bigint)")
        integer_copy.copy_integers(cursor, "numbers (kind, subject)", [kinds, subjects])
        found = cursor.execute("SELECT kind, subject FROM numbers").fetchall()
    assert sorted(found) == sorted(zip(kinds.tolist(), subjects.tolist(), strict=True))
