from collections import Counter
from itertools import islice

from services.cli.bench.people import COLUMNS, People


def test_one_seed_gives_one_base() -> None:
    assert list(People(7).base(500)) == list(People(7).base(500))


def test_another_seed_gives_another_base() -> None:
    assert list(People(7).base(100)) != list(People(8).base(100))


def test_a_smaller_base_is_the_beginning_of_a_larger_one() -> None:
    assert list(People(7).base(300)) == list(islice(People(7).base(900), 300))


def test_newcomers_depend_on_seed_run_and_base_only() -> None:
    def newcomers(run: int) -> object:
        people = People(7)
        for _ in people.base(400):
            pass
        return people.newcomers(100, run=run)

    assert newcomers(1) == newcomers(1)
    assert newcomers(1) != newcomers(2)


def test_many_newcomers_are_people_whom_the_base_knows() -> None:
    people = People(7)
    known = {row.values.get("email") for row in people.base(2_000)} - {None}
    mailed = [row.values["email"] for row in people.newcomers(500, run=0) if "email" in row.values]
    assert 0.3 < sum(email in known for email in mailed) / len(mailed) < 0.7


def test_every_row_has_a_source_of_a_new_home_and_known_columns() -> None:
    rows = list(People(7).base(500))
    assert len(rows) == 500
    assert set(Counter(row.source for row in rows)) == {"web", "app", "calls", "billing"}
    assert all(row.values and set(row.values) <= set(COLUMNS) for row in rows)
