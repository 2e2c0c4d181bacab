from dataclasses import fields
from typing import Any

from services.resolver.standing import Standing
from tests.simulation.scorer import MODEL, TableScorer


def test_another_has_every_limit_and_tools_of_its_own() -> None:
    names = [each.name for each in fields(Standing) if each.init and each.name != "scorer"]
    limits: dict[str, Any] = {name: 7 + place for place, name in enumerate(names)}
    other = Standing(**limits, scorer=TableScorer(MODEL)).another()
    assert "shared_rows_max" in names
    assert {name: getattr(other, name) for name in names} == limits
    assert other.scorer is None
