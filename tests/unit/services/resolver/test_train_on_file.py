"""A model learned from a file is that of the same records, and of a large one of whole people."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import duckdb
import pytest

from services.identity.adapters.files.alike import Bounds
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros, RecordKey, SourceName
from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.wire.neighbourhoods import RowsOfFile
from services.ingest.rows_alike import likeness_keys, rows_of_file
from services.linkage.training.records import TrainingRecord
from services.linkage.training.train import train
from services.resolver.train import train_on_file

COLUMNS = {"first": "given_name", "last": "surname", "born": "date_of_birth", "mail": "email"}
NAMES = ("id", *COLUMNS)
MAPPING = parse_mapping({"key": "id", "columns": COLUMNS})
PEOPLE = SourceName("people")
SOURCE = Source(name=PEOPLE, channel="file", workspace="people", unique=False, mapping=MAPPING)
FEW = Bounds(seeds_max=120, looked_at_max=500, neighbours_max=4, seeds_at_once=50)
Row = tuple[str, ...]


class Noon:
    def now(self) -> Micros:
        return Micros(1_700_000_000_000_000)


def people(count: int, *, mail: str = "") -> list[Row]:
    """Two records a person, the second with a slip in the surname."""
    rng = Random(3)
    rows: list[Row] = []
    for number in range(count):
        first = "".join(rng.choices("abcdefgh", k=5)).capitalize()
        last = "".join(rng.choices("klmnoprs", k=6)).capitalize()
        born = f"19{rng.randrange(30, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}"
        sent = mail or f"{first}{number}@example.org"
        rows += [
            (f"a{number}", first, last, born, sent),
            (f"b{number}", first, last[:-1], born, mail if number % 2 else sent),
        ]
    return rows


def written(folder: Path, rows: Sequence[Row]) -> Path:
    file = folder / "people.csv"
    lines = [",".join(NAMES), *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@contextmanager
def opened(file: Path, *, rows_max: int, bounds: Bounds = FEW) -> Iterator[RowsOfFile]:
    with rows_of_file(
        file, source=SOURCE, clock=Noon(), tell=lambda _: None, rows_max=rows_max, bounds=bounds
    ) as rows:
        yield rows


def drawn(file: Path, bounds: Bounds = FEW) -> tuple[set[RecordKey], set[tuple[str, str]], int]:
    """The seeds, the links by key, and the rows read."""
    with opened(file, rows_max=10, bounds=bounds) as rows:
        batches = list(rows.drawn or ())
    links = {(seed.key, other.key) for some in batches for seed, other in some.links}
    read = sum(len(some.events) for some in batches)
    return {seed for some in batches for seed in some.seeds}, links, read


def test_rows_teach_what_their_records_would(tmp_path: Path) -> None:
    rows = people(60)
    file = written(tmp_path, [*rows, ("", "no", "key", "1990-01-01", "")])
    with opened(file, rows_max=1_000) as found:
        from_rows = train_on_file(found, SOURCE)
    fields = (
        ("date_of_birth", Kind.DATE_OF_BIRTH),
        ("email", Kind.EMAIL),
        ("given_name", Kind.GIVEN_NAME),
        ("surname", Kind.SURNAME),
    )
    records = [
        TrainingRecord.of(
            key=f"people/record_id/{row[0]}",
            source="people",
            values={
                MAPPING.columns[name].field: text
                for name, text in zip(NAMES[1:], row[1:], strict=True)
                if text
            },
        )
        for row in rows
    ]
    assert from_rows.model.to_json() == train(records, fields).model.to_json()


def test_of_a_large_file_people_are_drawn_whole(tmp_path: Path) -> None:
    seeds, links, read = drawn(written(tmp_path, people(600)))
    assert 80 < len(seeds) < 160
    other = {f"{'b' if seed.key[0] == 'a' else 'a'}{seed.key[1:]}": seed.key for seed in seeds}
    assert {(seed, key) for key, seed in other.items()} <= links
    assert read < 3 * len(seeds)


def test_a_model_of_whole_people_is_one_for_the_whole_file(tmp_path: Path) -> None:
    rows = people(250)
    with opened(written(tmp_path, rows), rows_max=10) as found:
        few = train_on_file(found, SOURCE)
    with opened(written(tmp_path, rows), rows_max=2_000) as found:
        every = train_on_file(found, SOURCE)
    assert few.report["records"] == 500
    assert 80 < few.report["records_trained_on"] < 200
    assert few.model.prior_weight == pytest.approx(every.model.prior_weight, abs=1.0)


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    rows = people(300)
    first = drawn(written(tmp_path, rows))
    Random(1).shuffle(rows)
    assert drawn(written(tmp_path, rows)) == first


def test_every_kind_of_file_is_drawn_from_alike(tmp_path: Path) -> None:
    rows = people(300)
    of_csv = drawn(written(tmp_path, rows))
    lines = (json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows)
    (tmp_path / "people.jsonl").write_text("\n".join([*lines, '{"torn"']), encoding="utf-8")
    duckdb.read_csv(str(tmp_path / "people.csv"), all_varchar=True).write_parquet(
        str(tmp_path / "people.parquet")
    )
    assert len(of_csv[0]) > 50
    assert drawn(tmp_path / "people.jsonl") == of_csv
    assert drawn(tmp_path / "people.parquet") == of_csv


def test_a_value_that_all_have_brings_nobody(tmp_path: Path) -> None:
    seeds, links, read = drawn(written(tmp_path, people(600, mail="none@example.org")))
    assert len(links) < 2 * len(seeds)
    assert read < 3 * len(seeds)


@pytest.mark.parametrize("rows_max", [1_000, 10], ids=["read whole", "drawn from"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_cannot_be_used_is_counted(tmp_path: Path, ending: str, rows_max: int) -> None:
    rows = people(300)
    file = written(tmp_path, rows)
    reason = "torn_line"
    if ending == "csv":
        bad = ["a1,torn", "b1,far,too,many,cells,here", " ,Ada,Nokey,1990-01-01,"]
    else:
        lines = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows]
        file = tmp_path / "people.jsonl"
        file.write_text("\n".join(lines), encoding="utf-8")
        bad = ['{"torn"', "{]", '{"id": " ", "first": "Ada"}']
        reason = "broken_json"
    with file.open("a", encoding="utf-8") as more:
        more.write("\n" + "\n".join(bad) + "\n")
    with opened(file, rows_max=rows_max) as found:
        report = train_on_file(found, SOURCE).report
    assert report["rows_read"] == 601
    assert report["rows_skipped"] == {reason: 2, "no_identifier": 1}


def test_fewer_seeds_are_drawn_where_they_bring_too_many(tmp_path: Path) -> None:
    bounds = Bounds(seeds_max=400, looked_at_max=500, rows_max=300)
    seeds, _, read = drawn(written(tmp_path, people(600)), bounds)
    assert 20 < len(seeds) < 150
    assert read < 300


def test_rows_of_one_record_only_say_what_is_wrong(tmp_path: Path) -> None:
    file = written(tmp_path, [(row[0][0], *row[1:]) for row in people(600)])
    bounds = Bounds(seeds_max=1_100, looked_at_max=1_200, rows_max=300)
    with pytest.raises(UsageError, match="key"), opened(file, rows_max=10, bounds=bounds):
        pass


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("id,first,last,born,mail\n", "no rows", id="a header only"),
        pytest.param("id,first,last,born,mail\n1;2\n3;4\n", "no rows", id="another delimiter"),
        pytest.param("id;first;last;born;mail\n1;2;3;4;5\n", "delimiter", id="in the header, too"),
    ],
)
def test_a_file_without_rows_says_what_to_look_at(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says), opened(file, rows_max=10):
        pass


def test_keys_are_made_of_what_the_mapping_names() -> None:
    made = likeness_keys(MAPPING)
    assert [[part.columns for part in key] for key in made[:2]] == [
        [("mail",)],
        [("first",), ("last",)],
    ]
    assert len(made) == len(set(made))
    only = parse_mapping({"key": "id", "columns": {"what": "category"}})
    assert likeness_keys(only) == ()
