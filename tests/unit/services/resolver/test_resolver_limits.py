"""Limits as joins meet them: values within a span of event time, and records of one profile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros
from services.identity.domain.merge_limit import DAY, MergeLimit
from services.identity.domain.stamps import Seen
from services.resolver.resolve.limits import limits_of, refusal
from services.resolver.resolve.units import join_units

DEFAULTS = IdentityRules()
EMAIL = replace(DEFAULTS.types["email"], limit=MergeLimit(values_max=2, within_days=365))
YEARLY = IdentityRules(types={**DEFAULTS.types, "email": EMAIL})
UNDATED = Seen(first=None, last=None)


def emails(**days: tuple[int, int]) -> Mapping[str, Seen]:
    """A record's e-mails with the first and the last day on which each was said."""
    return {
        f"email\x1f*\x1f{name}@example.org": Seen(
            first=Micros(first * DAY), last=Micros(last * DAY)
        )
        for name, (first, last) in days.items()
    }


def test_a_limit_of_a_span_counts_first_and_last_sightings() -> None:
    records = [emails(a=(0, 900)), emails(b=(100, 100)), emails(c=(800, 800)), emails(d=(90, 90))]
    limits = limits_of(records, YEARLY)
    assert refusal([0, 1], [2], limits) is None  # never three within a year
    assert refusal([0, 1], [3], limits) == "more than 2 in 365 days email"


def test_a_chain_of_identifiers_makes_no_profile_of_more_records_than_the_rules_say() -> None:
    rules = replace(DEFAULTS, profile_records_max=10)
    chain = [
        frozenset({f"crm_id\x1fshop\x1f{n:04}", f"crm_id\x1fshop\x1f{n + 1:04}"}) for n in range(95)
    ]
    joined = join_units(chain, rules, limits_of([dict.fromkeys(c, UNDATED) for c in chain], rules))
    assert max(map(len, joined.units)) == 10
    assert len(joined.units) == 10
    assert [each.reason for each in joined.demoted] == ["more than 10 records"]


TEXTS = st.frozensets(
    st.sampled_from([f"{t}\x1fshop\x1f{v}" for t in ("crm_id", "user_id") for v in "abc"])
)


@given(st.lists(TEXTS, max_size=9), st.integers(2, 5), st.sampled_from([1, 2]))
def test_holdings_added_up_say_what_records_one_by_one_would(
    held: Sequence[frozenset[str]], records_max: int, users_max: int
) -> None:
    user = replace(DEFAULTS.types["user_id"], limit=MergeLimit(values_max=users_max))
    types = {**DEFAULTS.types, "user_id": user}
    rules = replace(DEFAULTS, types=types, profile_records_max=records_max)
    limits = limits_of([dict.fromkeys(texts, UNDATED) for texts in held], rules)
    units: dict[int, tuple[int, ...]] = {place: (place,) for place in range(len(held))}
    for text in sorted({t for texts in held for t in texts}, key=lambda t: (t[0] != "u", t)):
        first, *others = [place for place, texts in enumerate(held) if text in texts]
        for other in others:
            left, right = units[first], units[other]
            if left != right and refusal(left, right, limits) is None:
                units |= dict.fromkeys((*left, *right), tuple(sorted((*left, *right))))
    assert join_units(held, rules, limits).units == sorted(set(units.values()))
