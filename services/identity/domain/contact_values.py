"""E-mail addresses and phone numbers as they are compared: what the pinned libraries say of them.

The libraries take most of landing's time for values that are plain. What the characters of a value
alone tell is decided here, exactly as they decide it; the rest is theirs. Checked against both by
tests/property/test_contact_values.py.
"""

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

ADDRESS_CHARS_MAX = 254  # of a whole e-mail address: RFC 3696, errata 1690
_DOMAINS_MAX = 16_384  # kept in memory; most people's mail is at a few hundred
_DIGITS_MIN, _DIGITS_MAX = 6, 15  # of a number without its country: ITU-T E.164 bounds

_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"  # RFC 5322, 3.2.3
_PLAIN_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.\-]+)")
_PUNYCODE = "xn--"
_NATIONAL_NUMBER = re.compile(r"[0-9 ()./\-]+")  # no plus sign, no letter: it names no country
_NO_DIGIT = re.compile(r"\D")


def email_address(value: str) -> str | None:
    """In lower case, its domain as people read it; None when it is no address."""
    plain = _PLAIN_ADDRESS.fullmatch(value)
    if plain is None or len(value) > ADDRESS_CHARS_MAX:
        return _checked_address(value)
    local, domain = plain.groups()
    lowered = domain.lower()
    if _PUNYCODE in lowered:
        return _checked_address(value)
    return f"{local.lower()}@{lowered}" if _can_receive(lowered) else None


def phone_number(value: str, region: str | None) -> str | None:
    """E.164 where the country is known, else its digits; None when it is no number."""
    if region is None and _NATIONAL_NUMBER.fullmatch(value):
        return _digits(value)
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return _digits(value)
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=_DOMAINS_MAX)
def _can_receive(domain: str) -> bool:
    """Whether a plain local part and this domain are an address; ASCII domains stay as they are."""
    return _checked_address(f"a@{domain}") is not None


def _checked_address(value: str) -> str | None:
    try:
        checked = validate_email(
            value, check_deliverability=False, test_environment=True, allow_smtputf8=True
        )
    except EmailNotValidError:
        return None
    return checked.normalized.lower()


def _digits(value: str) -> str | None:
    digits = _NO_DIGIT.sub("", value)
    return digits if _DIGITS_MIN <= len(digits) <= _DIGITS_MAX else None
