"""The shipped customer model: trained on an invented base, for streams that start empty.

`python -m services.linkage.training.customer` writes models/customer.v1.json and its report. The
same seed gives the same bytes.
"""

import bisect
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from faker import Faker

from services.identity.domain.kinds import Kind
from services.identity.domain.weights import Kinship
from services.linkage import nicknames
from services.linkage.comparisons import Comparison
from services.linkage.levels import ComparisonKind
from services.linkage.term_frequencies import TermFrequencies
from services.linkage.training.choose_keys import KeyBudget
from services.linkage.training.frequencies import FLOORS as FLOORS_OF_ANY_BASE
from services.linkage.training.population import Channels, PopulationMaker
from services.linkage.training.records import TrainingRecord
from services.linkage.training.report import comparison_report
from services.linkage.training.train import Trained, train

FIELDS: tuple[tuple[str, Kind], ...] = (
    ("given_name", Kind.GIVEN_NAME),
    ("middle_name", Kind.MIDDLE_NAME),
    ("surname", Kind.SURNAME),
    ("suffix", Kind.SUFFIX),
    ("full_name", Kind.FULL_NAME),
    ("date_of_birth", Kind.DATE_OF_BIRTH),
    ("email", Kind.EMAIL),
    ("phone", Kind.PHONE),
    ("address_line", Kind.ADDRESS_LINE),
    ("city", Kind.CITY),
    ("postcode", Kind.POSTCODE),
    ("gender", Kind.GENDER),
)
PRIOR_BITS = -17.0
"""The chance that two random records match, for a base nobody has seen yet.

With a few records a person it is about one over the number of people. This model is for bases of
1,000 (-10 bits) to 1,000,000 people (-20 bits); -17 is the larger half of that range, because a
false merge harms more than a missed one. A home that trains on its own records gets its own.
"""
HOUSEHOLD_BITS = PRIOR_BITS - 2.5
"""Of all pairs, how many are two people of one household who share what households share.

Fewer than matches by a factor of six: most customers have no relative among the customers, and
those who do seldom give the same telephone or e-mail. So an e-mail alone joins two records that say
nothing else, and one clear contradiction (another given name) keeps them apart.
"""
KINSHIP = Kinship(
    household=2.0**HOUSEHOLD_BITS,
    # Far more than there are: one address and one birth date must not outweigh two given names, nor
    # one address and one given name two birth dates. It costs a thousandth of the recall.
    twins=2.0 ** (HOUSEHOLD_BITS - 2),
    namesakes=2.0 ** (HOUSEHOLD_BITS - 2),
)
FLOORS = FLOORS_OF_ANY_BASE | {
    ComparisonKind.EMAIL: 1_000_000,
    ComparisonKind.PHONE: 1_000_000,
    ComparisonKind.ADDRESS: 200_000,
}
"""E-mail addresses and telephone numbers are as good as unique, however small the first base is."""
COMMONEST_UNKNOWN: Mapping[str, float] = {
    "g": 0.004,
    "s": 0.004,
    "mid": 0.01,
    "p0": 0.0002,
    "c0": 0.05,
}
"""How common a value is at least, known here or not: the invented base does not know real names.

Two people have one rare name often enough that a name alone must never join their records, and a
city that the model does not know may be the one where half of the customers live.
"""
BUDGET = KeyBudget(keys_max=14, pairs_per_record_max=8, yield_min=0.1)
"""Only keys that hold few records each: a base thirty times as large must not outgrow them."""
BASE_SIZE = 1_000_000
"""Records of the largest base that keys are chosen for; one of names finds strangers in it."""
ALWAYS = (("e0",), ("f0",))
"""Keys a customer base must have: wider ones find the same pairs, until they hold too many."""
EDGE_FLOOR_BITS = 0.0
"""Even odds. Below, people of similar names chain into components that grow with the base: at a
million records into one of 131,000. It costs .004 of the recall of the demo's silos, and precision
gains .001."""
ALONE_SHARE = 1.0
"""In a stream that has just begun next to everybody is alone: so no record is claimed."""
_SEED = 20_240_501
PEOPLE = {"en_GB": 6_000, "en_US": 6_000}
_CITIES = 250
_POSTCODES_PER_CITY = (1, 60)
_STREETS = 900


class FakerNames:
    """Invented names of one country: names as common as they are, cities of unequal size."""

    def __init__(self, locale: str, rng: Random) -> None:
        self._fake = Faker(locale)
        self._fake.seed_instance(rng.randrange(2**32))
        self._rng = rng
        self._british = locale == "en_GB"
        self._cities = sorted({self._fake.city() for _ in range(_CITIES)})
        rng.shuffle(self._cities)
        sizes = [1 / (rank + 2) for rank in range(len(self._cities))]  # Zipf's law of cities
        self._up_to = list(itertools.accumulate(sizes))
        low, high = _POSTCODES_PER_CITY
        self._postcodes = [
            self._postcodes_near(max(low, int(high * size / sizes[0]))) for size in sizes
        ]
        self._streets = sorted({self._fake.street_name() for _ in range(_STREETS)})

    def given(self, gender: str) -> str:
        fake = self._fake
        return str(fake.first_name_male() if gender == "m" else fake.first_name_female())

    def surname(self) -> str:
        return str(self._fake.last_name())

    def street(self) -> str:
        return self._rng.choice(self._streets)

    def place(self) -> tuple[str, str]:
        drawn = self._rng.random() * self._up_to[-1]
        city = min(bisect.bisect(self._up_to, drawn), len(self._cities) - 1)
        return self._cities[city], self._rng.choice(self._postcodes[city])

    def mobile(self) -> str:
        number = self._rng.randrange(10**8, 10**9)
        if self._british:
            return self._rng.choice(("07{}", "+447{}")).format(number)
        area, rest = 200 + number % 780, number // 1_000 % 10**7
        written = self._rng.choice(("({}) {}-{}", "+1{}{}{}", "{}-{}-{}"))
        return written.format(area, f"{rest:07}"[:3], f"{rest:07}"[3:])

    def nickname(self, given: str) -> str:
        """A name it is called by, or itself; most people keep theirs."""
        groups = nicknames.groups_of_name().get(given.lower(), ())
        names = [name for group in groups for name in nicknames.groups()[group]]
        return self._rng.choice(names).title() if names else given

    def _postcodes_near(self, count: int) -> Sequence[str]:
        first = str(self._fake.postcode())
        if self._british:
            area = first.split(" ", maxsplit=1)[0]
            letters = "ABDEFGHJLNPQRSTUWXYZ"
            return [
                f"{area} {self._rng.randrange(1, 10)}{self._rng.choice(letters)}"
                f"{self._rng.choice(letters)}"
                for _ in range(count)
            ]
        return [f"{first[:3]}{self._rng.randrange(100):02}" for _ in range(count)]


def customer_records(people: dict[str, int], *, seed: int) -> list[tuple[int, TrainingRecord]]:
    """Records with the number of their person; `people` is how many of each locale."""
    rng = Random(seed)  # noqa: S311 - invented people, repeatable on purpose
    result: list[tuple[int, TrainingRecord]] = []
    person_number = 0
    for locale, count in sorted(people.items()):
        channels = Channels(rng)
        for person in PopulationMaker(FakerNames(locale, rng), rng).people(count):
            for source, values in channels.records(person):
                key = f"{source}|{len(result):06}"
                record = TrainingRecord.of(key=key, source=source, values=values)
                result.append((person_number, record))
            person_number += 1
    return result


def customer_model() -> Trained:
    """Train on the invented base, then take back what no invented base can know."""
    records = [record for _, record in customer_records(PEOPLE, seed=_SEED)]
    trained = train(records, FIELDS, floors=FLOORS, budget=BUDGET, base_size=BASE_SIZE)
    model = replace(
        trained.model,
        comparisons=tuple(_less_sure(comparison) for comparison in trained.model.comparisons),
        term_frequencies={
            column: _no_rarer(terms, COMMONEST_UNKNOWN.get(column, 0.0))
            for column, terms in trained.model.term_frequencies.items()
        },
        prior_weight=PRIOR_BITS,
        kinship=KINSHIP,
        keys=tuple(dict.fromkeys((*ALWAYS, *trained.model.keys))),
        edge_floor=EDGE_FLOOR_BITS,
        alone_share=ALONE_SHARE,
    )
    set_by_hand = {
        "model_version": model.version,
        "prior_bits": PRIOR_BITS,
        "household_share": model.kinship.household,
        "twin_share": model.kinship.twins,
        "namesake_share": model.kinship.namesakes,
        "alone_share": model.alone_share,
        "comparisons": [comparison_report(comparison) for comparison in model.comparisons],
    }
    return Trained(model=model, report=trained.report | set_by_hand)


def _less_sure(comparison: Comparison) -> Comparison:
    """Half of m is the default: real customers err in more ways than invented ones."""
    both = zip(comparison.m, comparison.default_m, strict=True)
    return comparison.with_probabilities(m=tuple((m + default) / 2 for m, default in both))


def _no_rarer(terms: TermFrequencies, smallest: float) -> TermFrequencies:
    return replace(
        terms,
        frequencies=np.maximum(terms.frequencies, smallest),
        default=max(terms.default, smallest),
        mean=max(terms.mean, smallest),
    )


def write_customer_model(folder: Path) -> None:
    trained = customer_model()
    model = folder / "customer.v1.json"
    model.write_text(trained.model.to_json() + "\n", encoding="utf-8")
    told = json.dumps(trained.report, indent=1) + "\n"
    (folder / "customer.v1.report.json").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    write_customer_model(Path(__file__).parents[1] / "models")
