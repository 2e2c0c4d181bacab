"""The names of all labelled sets, and their makers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from tests.quality.families import hospital, loyalty_cards, two_surnames
from tests.quality.invented import customers, names_and_dates, register, worn_register
from tests.quality.labelled import LabelledSet, febrl
from tests.quality.linked import linked_sets
from tests.quality.registers import clinic, passports, surname_first, transliterated, written_dates
from tests.quality.traps import (
    companies,
    copies,
    no_duplicates,
    telecom,
    tiny,
    two_sources,
    wrong_values,
)

_SETS: Mapping[str, Callable[[], LabelledSet]] = {
    "febrl1": partial(febrl, 1, floor=0.995),
    "febrl2": partial(febrl, 2, floor=0.998),
    "febrl3": partial(febrl, 3, floor=0.9995),
    "febrl4": partial(febrl, 4, floor=0.9996),
    "names": partial(names_and_dates, floor=0.99),
    "register": partial(register, floor=0.99),
    "worn": partial(worn_register, floor=0.99),
    "customers": partial(customers, floor=0.95),
    "clinic": partial(clinic, floor=0.995),
    "passports": partial(passports, floor=0.99),
    "surname first": partial(surname_first, floor=0.955),
    "transliterated": partial(transliterated, floor=0.94),
    "written dates": partial(written_dates, floor=0.97),
    "telecom": partial(telecom, floor=0.915),
    "no duplicates": partial(no_duplicates, floor=0.0),
    "copies": partial(copies, floor=0.99),
    "tiny": partial(tiny, floor=0.95),
    "wrong values": partial(wrong_values, floor=0.77),
    "companies": partial(companies, floor=0.945),
    "two sources": partial(two_sources, floor=0.96),
    "hospital": partial(hospital, floor=0.995),
    "two surnames": partial(two_surnames, floor=0.99),
    "loyalty cards": partial(loyalty_cards, floor=0.965),
}


def all_sets(names: Sequence[str] = ()) -> Iterator[LabelledSet]:
    """The sets whose name begins with one of these, or all, made one by one."""
    wanted = tuple(names) or ("",)
    makers = {**_SETS, **linked_sets()}
    for name, make in makers.items():
        if name.startswith(wanted):
            yield make()
