"""What the shipped customer model joins and keeps apart, from the very first records of a stream.

The people are invented; each case is one household or one person as the channels know them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, permutations

import numpy as np
import pytest

from services.identity.domain.clustering import Problem, agglomerate
from services.identity.domain.weights import UNITS_PER_BIT
from services.linkage.features import derive
from services.linkage.keys import blocking_keys
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer, totals
from services.linkage.shipped import shipped_model

Values = Mapping[str, str]

HOME = {"address_line": "12 Old Mill Lane", "city": "Leeds", "postcode": "LS6 2AB"}
WEB = {"given_name": "Cathrine", "surname": "Hartley", "email": "kate.hartley@example.org"}
APP = {"email": "Kate.Hartley@example.org", "phone": "+447700900123"}
CALL_CENTRE = {
    "given_name": "Catherine",
    "surname": "Morrison",
    "phone": "07700 900123",
    "date_of_birth": "1984-03-12",
}
BILLING = {
    "given_name": "Catherine",
    "middle_name": "Anne",
    "surname": "Hartley",
    "date_of_birth": "1984-03-12",
    **HOME,
}
HUSBAND = {
    "given_name": "Daniel",
    "surname": "Hartley",
    "phone": "07700900123",
    "date_of_birth": "1981-07-30",
    **HOME,
}
WIFE = BILLING | {"phone": "07700900123"}
STRANGER = {
    "given_name": "Catherine",
    "surname": "Hartley",
    "email": "c.h.1989@mail.example.org",
    "phone": "07811555001",
    "date_of_birth": "1989-11-02",
    "address_line": "4 High Street",
    "city": "Bristol",
    "postcode": "BS1 4ZZ",
}


@cache
def scorer() -> PairScorer:
    return PairScorer(LinkageModel.from_json(shipped_model().decode()))


def clusters(records: Sequence[Values]) -> list[int]:
    """Of each record the first of its cluster, all in one component."""
    model = scorer().model
    left, right = (side.astype(np.int64) for side in np.triu_indices(len(records), 1))
    pairs = scorer().score([derive(record, model.spec) for record in records], left, right)
    problem = Problem(
        size=len(records),
        weights=pairs.weights,
        present=pairs.present,
        prior=model.prior_units,
        relatives=model.relatives,
        tau=model.tau,
    )
    return [int(label) for label in agglomerate(problem).labels]


def bits(one: Values, other: Values) -> float:
    model = scorer().model
    features = [derive(one, model.spec), derive(other, model.spec)]
    pairs = scorer().score(features, np.array([0]), np.array([1]))
    return float(totals(pairs, model)[0] / UNITS_PER_BIT)


def meet(one: Values, other: Values) -> bool:
    """Whether the pair is a candidate at all."""
    model = scorer().model
    keys = [set(blocking_keys(derive(values, model.spec), model)) for values in (one, other)]
    return bool(keys[0] & keys[1])


@pytest.mark.parametrize("contact", ["phone", "email"])
def test_one_person_on_four_channels_is_one_cluster_in_any_order(contact: str) -> None:
    billing = BILLING | {contact: {"phone": "07700900123", "email": WEB["email"]}[contact]}
    for records in permutations((WEB, APP, CALL_CENTRE, billing)):
        assert clusters(records) == [0, 0, 0, 0]


@pytest.mark.parametrize("contact", ["phone", "email"])
def test_the_four_channels_are_connected_by_blocking_keys(contact: str) -> None:
    billing = BILLING | {contact: {"phone": "07700900123", "email": WEB["email"]}[contact]}
    records = (WEB, APP, CALL_CENTRE, billing)
    reached = {0}
    for _ in records:
        reached |= {
            other
            for one, other in permutations(range(4), 2)
            if one in reached and meet(records[one], records[other])
        }
    assert reached == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(WEB, APP, id="one e-mail, nothing else"),
        pytest.param(APP, CALL_CENTRE, id="one telephone, nothing else"),
        pytest.param(CALL_CENTRE, WIFE, id="maiden name, same telephone and birth date"),
        pytest.param(CALL_CENTRE, BILLING, id="maiden name, same given name and birth date"),
        pytest.param(WEB, BILLING | {"email": WEB["email"]}, id="typing error, same e-mail"),
        pytest.param(
            {"given_name": "Bob", "surname": "Hartley", "date_of_birth": "1970-02-03"},
            {"given_name": "Robert", "surname": "Hartley", "date_of_birth": "1970-02-03"},
            id="nickname and birth date",
        ),
        pytest.param(
            {"full_name": "Catherine Anne Hartley", "date_of_birth": "1984-03-12"},
            BILLING,
            id="name in one field",
        ),
        pytest.param(
            WIFE,
            WIFE | {"address_line": "7 Canal Road", "city": "York", "postcode": "YO1 7HH"},
            id="moved",
        ),
    ],
)
def test_joined(one: Values, other: Values) -> None:
    assert bits(one, other) > 0
    assert meet(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(HUSBAND, WIFE, id="husband and wife"),
        pytest.param(
            HUSBAND | {"email": WEB["email"]},
            WIFE | {"email": WEB["email"]},
            id="husband and wife with one e-mail",
        ),
        pytest.param(
            {name: HUSBAND[name] for name in HUSBAND if name != "date_of_birth"},
            {name: WIFE[name] for name in WIFE if name != "date_of_birth"},
            id="husband and wife without birth dates",
        ),
        pytest.param(
            HUSBAND | {"given_name": "Emma", "date_of_birth": "2002-05-01", "gender": "f"},
            HUSBAND | {"given_name": "Emily", "date_of_birth": "2004-09-17", "gender": "f"},
            id="sisters with similar names",
        ),
        pytest.param(STRANGER, WIFE, id="stranger of the same name"),
        pytest.param(STRANGER, WEB, id="stranger of nearly the same name"),
        pytest.param(
            {"given_name": "Zebulon", "surname": "Quaverley", "email": "zq@example.org"},
            {"given_name": "Zebulon", "surname": "Quaverley", "phone": "07700900555"},
            id="a rare name and nothing else",
        ),
        pytest.param(
            {"given_name": "John", "surname": "Smith", "city": "London"},
            {"given_name": "John", "surname": "Smith", "city": "London"},
            id="a common name in one city",
        ),
    ],
)
def test_kept_apart(one: Values, other: Values) -> None:
    assert bits(one, other) < 0
    assert clusters([one, other]) == [0, 1]


def test_a_household_is_its_people() -> None:
    """The landline ties them all; every person has two records."""
    daughter = HUSBAND | {"given_name": "Emma", "date_of_birth": "2003-05-01"}
    billed = [HUSBAND, WIFE, daughter]
    called = [
        {name: person[name] for name in ("given_name", "surname", "phone", "date_of_birth")}
        for person in billed
    ]
    assert clusters([*billed, *called]) == [0, 1, 2, 0, 1, 2]


def test_a_stranger_stays_apart_from_the_whole_person() -> None:
    assert clusters([WEB, APP, CALL_CENTRE, WIFE, STRANGER]) == [0, 0, 0, 0, 4]


def test_no_key_is_too_coarse_for_a_large_base() -> None:
    """A name part, a city or an area alone would hold more records than any block may."""
    coarse = {"g", "gc", "gm", "g3", "g1", "s", "sm", "s4", "s1", "t", "mid", "c0", "p0a", "x0"}
    for key in scorer().model.keys:
        assert len(key) > 1 or key[0] not in coarse


def test_the_prior_fits_bases_from_a_thousand_to_a_million() -> None:
    assert -20 <= scorer().model.prior_weight <= -10


def test_the_model_runs_with_the_libraries_it_was_trained_with() -> None:
    assert scorer().model.differences() == []


def test_every_two_records_of_the_first_minute_are_scored() -> None:
    for one, other in combinations((WEB, APP, CALL_CENTRE, BILLING), 2):
        assert -30 < bits(one, other) < 40
