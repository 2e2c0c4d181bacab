"""The census linked to other forms: files of the pseudopeople package, each form a source."""

import csv
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from services.identity.domain.kinds import Kind
from services.linkage.training.records import TrainingRecord
from tests.quality.labelled import LabelledSet, fields_of, mapping_of, record_of

FOLDER = Path(".plait-quality/pseudopeople")
"""Where `make quality` puts the files (tests/quality/pseudopeople_files.py)."""

FLOORS: Mapping[str, Mapping[str, float]] = {
    "default": {"w2": 0.983, "1040": 0.975, "ssa": 0.993, "wic": 0.99, "acs": 0.985},
    "doubled": {"w2": 0.9675, "1040": 0.957, "ssa": 0.983, "wic": 0.977, "acs": 0.985},
}
"""By noise; the ACS is so small that one pair of 140 to 170 is .003 of its F1."""
_FLOORS_OF_SEED: Mapping[str, float] = {"acs-doubled-0": 0.993, "acs-doubled-1": 0.976}

_PERSON = {
    "first_name": "given_name",
    "middle_initial": "middle_name",
    "last_name": "surname",
}
_BORN = {"date_of_birth": "date_of_birth", "sex": "gender"}
_HOME = {
    "street_number": "street_number",
    "street_name": "address_line",
    "city": "city",
    "zipcode": "postcode",
}
_SURVEY = {**_PERSON, **_BORN, **_HOME, "race_ethnicity": "category"}
_TAXES = {
    **_PERSON,
    **{f"mailing_address_{column}": kind for column, kind in _HOME.items()},
    "ssn": "national_id",
}
_COLUMNS = {
    "census": _SURVEY,
    "acs": _SURVEY,
    "wic": _SURVEY,
    "w2": _TAXES,
    "1040": _TAXES,
    "ssa": {**_PERSON, **_BORN, "middle_name": "middle_name", "ssn": "national_id"},
}


def linked_sets(folder: Path = FOLDER) -> Mapping[str, Callable[[], LabelledSet]]:
    """Makers of every form beside the census of the same seed and noise; none without files."""
    return {
        (name := f"{form}-{place.name}"): partial(
            _linked, place, form, floor=_FLOORS_OF_SEED.get(name, floor)
        )
        for place in sorted(folder.glob("*-*"))
        for form, floor in FLOORS[place.name.partition("-")[0]].items()
    }


def _linked(place: Path, form: str, *, floor: float) -> LabelledSet:
    records: list[TrainingRecord] = []
    truth: dict[str, str] = {}
    fields: dict[str, Kind] = {}
    for source in ("census", form):
        with (place / f"{source}.csv").open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            columns = _COLUMNS[source]
            mapping = mapping_of(
                {c: kind for c, kind in columns.items() if c in (rows.fieldnames or ())}
            )
            fields |= dict(fields_of(mapping))
            for number, row in enumerate(rows):
                key = f"{source}|{number:06}"
                records.append(record_of(key, source, row, mapping))
                truth[key] = row["simulant_id"]
    return LabelledSet(
        name=f"{form}-{place.name}",
        records=tuple(records),
        truth=truth,
        fields=tuple(sorted(fields.items())),
        across_sources=True,
        unique_sources=frozenset({"census"}),
        floor=floor,
    )
