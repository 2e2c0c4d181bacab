"""Records held by column are the records that were given."""

import pytest

from services.linkage import columns
from services.linkage.columns import FeatureColumns
from services.linkage.features import Features
from tests.linkage_factory import known

WORLD = known()


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_what_goes_in_comes_out_in_its_order(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_RECORDS_A_CHUNK", at_once)
    held = FeatureColumns(iter(WORLD.features), WORLD.spec.columns)
    assert (len(held), list(held)) == (len(WORLD.features), WORLD.features)
    starts = [start for start, _ in held.batches()]
    assert starts == list(range(0, len(WORLD.features), at_once))


def test_values_are_numbered_over_all_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_RECORDS_A_CHUNK", 2)
    rows: list[Features] = [{}, {"g": "bob"}, {"g": "anna", "nt": []}, {"g": "bob"}, {"g": "cy"}]
    held = FeatureColumns(rows, {"g": False, "nt": True})
    codes, values = held.codes("g")
    assert (codes.tolist(), values) == ([-1, 0, 1, 0, 2], ["bob", "anna", "cy"])
    assert (held.known("g"), held.known("nt"), held.known("of no such name")) == (4, 1, 0)
    assert list(held) == rows


@pytest.mark.parametrize("name", ["nt", "of no such name"])
def test_what_is_no_text_has_no_number(name: str) -> None:
    codes, values = FeatureColumns([{"nt": ["a"]}], {"nt": True}).codes(name)
    assert (codes.tolist(), values) == ([-1], [])


def test_of_no_records_there_are_columns_all_the_same() -> None:
    held = FeatureColumns([], {"g": False, "nt": True})
    assert (list(held), held.codes("g")[1], held.table(["g", "nt"]).num_rows) == ([], [], 0)
