"""`plait load --bulk` comes to the very state that streaming comes to."""

import csv
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.home import stop_home
from tests.integration.commands import run_here

RECORDS = 2_500  # more than a worker of the fill takes in one transaction
GIVEN = ("Ann", "Bob", "Carla", "Dev", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jan")
STARTS = ("Ash", "Birk", "Cole", "Dale", "Elm", "Farn", "Glen", "Hart", "Iver", "Kirk", "Lang")
ENDS = ("by", "ton", "ford", "ley", "wick", "worth", "ham", "field", "stead", "combe", "well")
SURNAMES = tuple(start + middle + end for start in STARTS for middle in "aeiou" for end in ENDS)
MAPPING = """
key: id
columns:
  first: given_name
  last: surname
  born: date_of_birth
  mail: email
  city: city
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plait-bulk-") as name:
        yield Path(name)
        for home in ("bulk", "stream"):
            stop_home(Path(name) / home)


def write_people(path: Path) -> None:
    """People who share names, dates and cities; one in two has a second record with a slip."""
    chance = random.Random(5)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "first", "last", "born", "mail", "city"))
        for number in range(RECORDS // 2):
            first, last = chance.choice(GIVEN), chance.choice(SURNAMES)
            born = (
                f"{chance.randrange(1940, 2000)}-0{chance.randrange(1, 9)}-1{chance.randrange(9)}"
            )
            mail, city = f"{first}{number}@example.org", chance.choice(("Leeds", "York"))
            writer.writerow((f"a{number}", first, last, born, mail, city))
            slip = (first[:-1], last, born, "", city)
            if number % 2 == 0:
                slip = (first, last, born, mail, "")
            writer.writerow((f"b{number}", *slip))


def state_of(home: Path) -> dict[str, object]:
    state: dict[str, object] = json.loads(
        run_here("state-hash", "--home", str(home), "--json").stdout
    )
    return state


@pytest.mark.slow
def test_the_state_is_that_of_streaming(folder: Path) -> None:
    people, mapping = folder / "people.csv", folder / "mapping.yaml"
    write_people(people)
    mapping.write_text(MAPPING)
    load = ("load", str(people), "--source", "crm", "--mapping", str(mapping))
    filled = run_here(*load, "--bulk", "--home", str(folder / "bulk"))
    assert filled.returncode == 0, filled.stderr
    assert run_here(*load, "--home", str(folder / "stream")).returncode == 0
    assert run_here("resolve", "--home", str(folder / "stream")).returncode == 0
    in_bulk, streamed = state_of(folder / "bulk"), state_of(folder / "stream")
    assert in_bulk == streamed
    assert in_bulk["records"] == RECORDS
    assert 0 < int(str(in_bulk["profiles"])) < RECORDS  # people were joined, not all into one
    again = run_here(*load, "--bulk", "--home", str(folder / "bulk"))
    assert again.returncode == 2
    assert "empty home" in again.stderr
