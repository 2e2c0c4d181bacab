"""Addresses, postcodes, e-mail addresses, phones and numbers, ready to compare."""

from collections.abc import Mapping

import pytest

from services.linkage import contacts


def test_street_words_are_shortened_and_the_number_found() -> None:
    assert contacts.address("a0", "Flat B, 12 High Street") == {
        "a0": "flat b 12 high st",
        "a0_t": ["12", "b", "flat", "high", "st"],
        "a0_n": "12",
        "a0_s": "flat b high st",
        "a0_k": "12 flat",
    }


def test_an_address_without_a_number_has_only_its_street() -> None:
    assert contacts.address("a0", "Église Road") == {
        "a0": "eglise rd",
        "a0_t": ["eglise", "rd"],
        "a0_s": "eglise rd",
    }


@pytest.mark.parametrize("written", ["P.O. Box 7", "PO Box 7", "p o box 7", "p.o.box 7"])
def test_a_post_office_box_has_one_spelling(written: str) -> None:
    assert contacts.address("a0", written)["a0"] == "pobox 7"


@pytest.mark.parametrize(
    ("derived", "expected"),
    [
        pytest.param(
            contacts.postcode("p0", " ab1 2cd "), {"p0": "ab12cd", "p0_a": "ab1"}, id="two parts"
        ),
        pytest.param(
            contacts.postcode("p0", "12345-6789"), {"p0": "123456789", "p0_a": "123"}, id="one part"
        ),
        pytest.param(contacts.postcode("p0", "--"), {}, id="no postcode"),
        pytest.param(contacts.place("c0", "Zürich (Stadt)"), {"c0": "zurich stadt"}, id="city"),
        pytest.param(contacts.place("c0", "Москва"), {"c0": "moskva"}, id="city, other script"),
        pytest.param(
            contacts.email("e0", "Bob J <Bob.J@Example.org>"),
            {"e0": "bob.j@example.org", "e0_u": "bob.j"},
            id="email inside a name",
        ),
        pytest.param(contacts.email("e0", "@x"), {"e0": "@x"}, id="email without user"),
        pytest.param(
            contacts.phone("f0", "+44 (0)20 7946 0123 ext. 9"),
            {"f0": "2079460123", "f0_7": "9460123"},
            id="phone with extension",
        ),
        pytest.param(contacts.phone("f0", "12345"), {}, id="too short for a phone"),
        pytest.param(contacts.national_id("n0", "XXX-12 3a"), {"n0": "123a"}, id="masked id"),
        pytest.param(contacts.national_id("n0", "xxx"), {}, id="only a mask"),
        pytest.param(contacts.gender("x0", "Female"), {"x0": "f"}, id="gender"),
        pytest.param(contacts.gender("x0", "unknown"), {}, id="no gender"),
        pytest.param(contacts.category("k0", " Gold "), {"k0": "gold"}, id="category"),
    ],
)
def test_a_value_is_derived(derived: Mapping[str, str], expected: Mapping[str, str]) -> None:
    assert derived == expected
