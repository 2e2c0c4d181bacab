"""E-mail addresses and phone numbers, decided as the libraries decide them."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from services.identity.domain.contact_values import email_address, phone_number

LABELS = (
    "example",
    "EXAMPLE",
    "a",
    "-a",
    "a-",
    "a--b",
    "xn--bcher-kva",
    "b\u00fccher",
    "1",
    "l" * 64,
)
TOPS = (
    "org",
    "ORG",
    "test",
    "local",
    "invalid",
    "onion",
    "arpa",
    "c0m",
    "1",
    "o\u0303rg",
    "xn--p1ai",
)
ATOMS = (
    "ann",
    "Ann",
    "o'neil",
    "a+b",
    "!#$%&*",
    "",
    '"a b"',
    "\u00e9",
    "e\u0301",
    "info",
    "l" * 70,
    "a b",
)
locals_ = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=4).map(".".join)
domains = st.lists(st.sampled_from(LABELS + TOPS), max_size=6).map(".".join)
shaped = st.builds(
    "{}{}{}".format, locals_, st.sampled_from(("@", "@@", "", "@.", " @", "\uff20")), domains
)
addresses = shaped | st.text("aA1.@-<>\"'\u0338 _\n", max_size=12)
numbers = st.text("0123456789 ()./-+x;=", max_size=20) | st.from_regex(
    r"(tel:)?(\+44|0044|0)? ?[0-9]{3,10}(;phone-context=\+44| x[0-9]{1,4})?", fullmatch=True
)


def address_of_the_library(value: str) -> str | None:
    try:
        checked = validate_email(
            value, check_deliverability=False, test_environment=True, allow_smtputf8=True
        )
    except EmailNotValidError:
        return None
    return checked.normalized.lower()


def number_of_the_library(value: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        digits = re.sub(r"\D", "", value)
        return digits if 6 <= len(digits) <= 15 else None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@given(addresses)
@example("Ann.O'Neil@Example.ORG")
@example("ann@" + "l" * 60 + ".example.org")
@example("a" * 242 + "@example.org")
@example("a" * 243 + "@example.org")
@example("ann@sub.test")
@example("ann@test")
@example("ann@example")
@example("ann@ab--c.org")
@example("ann@xn--bcher-kva.org")
@example("ann@XN--bcher-kva.org")
@example("ann@example.org\n")
def test_an_address_is_what_the_library_says(value: str) -> None:
    assert email_address(value) == address_of_the_library(value)


@given(numbers, st.sampled_from((None, "GB", "US", "XX")))
@example("020 7946 0958", None)
@example("(020) 7946-0958", None)
@example("12345", None)
@example("1" * 16, None)
@example("+44 20 7946 0958", None)
@example("0044 20 7946 0958", None)
def test_a_number_is_what_the_library_says(value: str, region: str | None) -> None:
    assert phone_number(value, region) == number_of_the_library(value, region)
