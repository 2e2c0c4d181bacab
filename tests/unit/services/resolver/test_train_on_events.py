"""A model learned from the rows of a file is the model of the same records."""

from pathlib import Path

import pytest

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.ingest.load import read_events
from services.linkage.training.records import TrainingRecord
from services.linkage.training.train import train
from services.resolver.train import train_on_events

MAPPING = parse_mapping(
    {"key": "id", "columns": {"first": "given_name", "last": "surname", "born": "date_of_birth"}}
)
PEOPLE = SourceName("people")
SOURCE = Source(name=PEOPLE, channel="file", workspace="people", unique=False, mapping=MAPPING)


class Noon:
    def now(self) -> Micros:
        return Micros(1_700_000_000_000_000)


def people(count: int) -> list[tuple[str, str, str, str]]:
    """Two records a person, the second with a slip in the surname."""
    rows = []
    for number in range(count):
        first, last = f"{'ABCDE'[number % 5]}nn{number % 7}", f"Sm{number}ith"
        born = f"19{number % 60 + 30}-0{number % 9 + 1}-1{number % 10}"
        rows += [(f"a{number}", first, last, born), (f"b{number}", first, last[:-1], born)]
    return rows


def test_rows_teach_what_their_records_would(tmp_path: Path) -> None:
    rows = people(60)
    file = tmp_path / "people.csv"
    lines = ["id,first,last,born", *(",".join(row) for row in rows)]
    file.write_text("\n".join([*lines, ",no,key,1990-01-01"]), encoding="utf-8")
    events = read_events(file, source=SOURCE, clock=Noon())
    from_rows = train_on_events(events, SOURCE)
    records = [
        TrainingRecord(
            key=f"people/record_id/{key}",
            source="people",
            values={"given_name": first, "surname": last, "date_of_birth": born},
        )
        for key, first, last, born in rows
    ]
    fields = (
        ("date_of_birth", Kind.DATE_OF_BIRTH),
        ("given_name", Kind.GIVEN_NAME),
        ("surname", Kind.SURNAME),
    )
    assert from_rows.model.to_json() == train(records, fields).model.to_json()


def test_a_file_without_rows_teaches_nothing(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,first,last,born\n", encoding="utf-8")
    with pytest.raises(UsageError):
        train_on_events(read_events(file, source=SOURCE, clock=Noon()), SOURCE)
