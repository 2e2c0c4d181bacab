"""People are drawn whole, each as likely as any other, without those who only resemble them."""

from random import Random

from services.identity.domain.kinds import Kind
from services.linkage.training.records import TrainingRecord
from services.linkage.training.whole_people import DrawnFrom, whole_groups

FIELDS = (
    ("given_name", Kind.GIVEN_NAME),
    ("surname", Kind.SURNAME),
    ("date_of_birth", Kind.DATE_OF_BIRTH),
    ("email", Kind.EMAIL),
)


def crowd(people: int) -> dict[str, TrainingRecord]:
    """One to three records a person; keys are number and letter."""
    rng = Random(4)
    records = {}
    for number in range(people):
        values = {
            "given_name": rng.choice(("Ada", "Bela", "Cora", "Dora", "Egon")),
            "surname": "".join(rng.choices("abdeilmnorst", k=5)),
            "date_of_birth": f"{rng.randrange(1940, 2000)}-03-{rng.randrange(10, 28)}",
            "email": f"p{number}@example.org",
        }
        for letter in "abc"[: number % 3 + 1]:
            key = f"{number}{letter}"
            records[key] = TrainingRecord.of(key=key, source="one", values=values)
    return records


def drawn(
    records: dict[str, TrainingRecord], seeds: list[str], links: list[tuple[str, str]]
) -> list[tuple[str, ...]]:
    groups = whole_groups(
        records,
        seeds=seeds,
        links=[(seed, other) for seed, other in links if seed in seeds],
        base=DrawnFrom(fields=FIELDS, unique_sources=(), records=100_000),
    )
    return [tuple(record.key for record in group) for group in groups]


def links_of(records: dict[str, TrainingRecord]) -> list[tuple[str, str]]:
    return [(a, b) for a in records for b in records if a != b and a[:-1] == b[:-1]]


def test_a_person_is_drawn_once_however_many_of_her_records_are_seeds() -> None:
    records = crowd(60)
    groups = drawn(records, list(records), links_of(records))
    assert sorted(key for group in groups for key in group) == sorted(records)
    of_one_seed_each = [key for key in records if key.endswith("a")]
    some = drawn(records, of_one_seed_each, links_of(records))
    assert set(some) < set(groups)
    sizes = [sum(len(group) == size for group in some) for size in (1, 2, 3)]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_who_only_shares_a_name_is_left_out() -> None:
    records = crowd(60)
    by_name = [
        (a, b)
        for a in records
        for b in records
        if a[:-1] != b[:-1] and records[a].values["given_name"] == records[b].values["given_name"]
    ]
    groups = drawn(records, list(records), by_name)
    assert len(by_name) > 1_000
    assert all(len(group) == 1 for group in groups)
    assert len(groups) == len(records)
