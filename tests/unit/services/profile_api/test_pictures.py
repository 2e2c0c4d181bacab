"""Pictures are well-formed, hold what the answer says, and let nothing in that a browser runs."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.profile_api.pictures.pages import picture_of_how, picture_of_why_not
from services.profile_api.pictures.svg import Sheet, legal

NAMESPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>&\x00\x1b'


def record(number: int, key: str = "k") -> dict[str, Any]:
    return {"number": number, "source": "web", "kind": "user_id", "key": f"{key}{number}"}


def weight(*bits: float) -> dict[str, Any]:
    rows = [
        {"kind": "comparison", "label": "given name", "level": "exact", "bits": b, "units": 1}
        for b in bits
    ]
    return {"rows": rows, "bits": sum(bits), "units": len(bits), "probability": 0.5}


def join(number: int, left: list[int], right: list[int], *, bits: float = 1.0) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "weight",
        "words": f"step {number}",
        "left": [record(each) for each in left],
        "right": [record(each) for each in right],
        "identifier": None,
        "pair": {"left": record(left[0]), "right": record(right[0])},
        "decision": weight(bits),
    }


def how(records: int, *steps: Mapping[str, Any], key: str = "k") -> dict[str, Any]:
    return {
        "profile_id": "p",
        "identity_confidence": 0.9,
        "records": [record(n + 1, key) for n in range(records)],
        "steps": list(steps),
        "notes": [{"kind": "component_cut", "facts": {"parts": 2}}],
        "settled": True,
        "bounded": None,
    }


def texts(picture: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(picture).iter(f"{NAMESPACE}text")]  # noqa: S314  # our own


def test_a_tree_names_every_record_and_every_join() -> None:
    picture = picture_of_how(how(3, join(1, [1], [3], bits=2.5), join(2, [1, 3], [2])))
    shown = texts(picture)
    assert [each for each in shown if each.startswith("[")][:3] == [
        "[1] web/user_id/k1",
        "[3] web/user_id/k3",
        "[2] web/user_id/k2",
    ]
    assert {"1. +2.5", "2. +1.0"} <= set(shown)


def test_what_a_sender_wrote_stays_text() -> None:
    picture = picture_of_how(how(2, join(1, [1], [2]), key=HOSTILE))
    root = ET.fromstring(picture)  # noqa: S314  # our own
    assert {each.tag.removeprefix(NAMESPACE) for each in root.iter()} <= {
        *("svg", "title", "rect", "text", "polyline"),
    }
    assert "<script" not in picture


@given(text=st.text())
def test_any_text_can_be_told(text: str) -> None:
    sheet = Sheet(title=text)
    sheet.heading(text)
    sheet.sentence(text)
    ET.fromstring(sheet.document())  # noqa: S314  # our own
    ET.fromstring(f'<a b="{legal(text)}"/>')  # noqa: S314  # our own


@given(bits=st.lists(st.floats(-40, 40), max_size=5))
@example(bits=[5e-324])
def test_bars_stand_on_the_paper_whatever_they_weigh(bits: list[float]) -> None:
    root = ET.fromstring(picture_of_how(how(2, {**join(1, [1], [2]), "decision": weight(*bits)})))  # noqa: S314  # our own
    for bar in root.iter(f"{NAMESPACE}rect"):
        left, wide = float(bar.get("x", "0")), float(bar.get("width", "0"))
        assert 0 <= left <= left + wide <= float(root.get("width", "0"))


@pytest.mark.parametrize("records", [1, 101])
def test_one_record_has_no_joins_and_very_many_are_not_drawn(records: int) -> None:
    shown = texts(picture_of_how(how(records)))
    assert any("too many" in each for each in shown) is (records > 100)


LIMITS = [
    pytest.param(50, False, "held by more than 50", id="the-rules"),
    pytest.param(1_000, True, "held by more than 1,000, which a steward allowed", id="it-ties"),
    pytest.param(0, True, "a steward said that it ties nobody", id="it-ties-nobody"),
]


@pytest.mark.parametrize(("most", "said", "words"), LIMITS)
def test_keys_that_differ_are_listed(most: int, *, said: bool, words: str) -> None:
    limit = {"holders_max": most, "steward": said}
    key = {"kind": "blocking", "name": "surname", "outcome": "generic", **limit}
    body = {
        "left": record(1),
        "right": record(2),
        "reason": "never_candidates",
        "words": "they were never compared",
        "settled": False,
        "bounded": None,
        "link": None,
        "pair": {"keys": [key], "weight": weight(-3.0)},
    }
    shown = texts(picture_of_why_not(body))
    assert f"surname ({words})" in shown
    assert "something still waits to be resolved: this may change" in shown
