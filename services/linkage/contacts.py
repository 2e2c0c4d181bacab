"""Addresses, postcodes, e-mail addresses, phones and numbers of a person, ready to compare.

Each function gives the derived columns of one value under a column's name, none for a value that
says nothing.
"""

import re

from services.linkage.folding import ascii_text, fold, words

_ABBREVIATIONS = """
street=st road=rd avenue=ave av=ave drive=dr lane=ln court=ct place=pl boulevard=blvd crescent=cres
square=sq terrace=tce highway=hwy parkway=pkwy circle=cir circuit=cct close=cl strasse=st str=st
apartment=apt apt=apt suite=ste unit=unit north=n south=s east=e west=w mount=mt saint=st floor=fl
building=bldg bld=bldg village=vlg vlge=vlg retirement=ret retrmnt=ret
"""
_STREET_WORDS = dict(pair.split("=") for pair in _ABBREVIATIONS.split())
_POST_OFFICE_BOX = re.compile(r"\bp\.?\s*o\.?\s*box\b")
_POSTCODE = re.compile("[a-z0-9 ]+")
_NOT_ALPHANUMERIC = re.compile("[^a-z0-9]+")
_EMAIL = re.compile(r'[^\s<>"]+@[^\s<>"]+')
_EXTENSION = re.compile("[x;#]")
_NOT_DIGITS = re.compile("[^0-9]+")
_PHONE_DIGITS_MIN = 6  # fewer is an extension or a short code
_PHONE_DIGITS = 10  # without country code and trunk zero, in most plans
_PHONE_LOCAL_DIGITS = 7
_AREA_CHARACTERS = 3

Derived = dict[str, str | list[str]]


def address(column: str, text: str) -> Derived:
    """The text, `_t` its words, `_n` its number, `_s` without it, `_k` number and first word."""
    found = words(_POST_OFFICE_BOX.sub("pobox", text[:256].lower()))
    if not found:
        return {}
    found = [_STREET_WORDS.get(word, word) for word in found]
    number = next((word for word in found if word[0].isdigit()), None)
    street = [word for word in found if word != number]
    derived: Derived = {column: " ".join(found), f"{column}_t": sorted(set(found))}
    if street:
        derived[f"{column}_s"] = " ".join(street)
    if number is not None:
        derived[f"{column}_n"] = number
        if street:
            derived[f"{column}_k"] = f"{number} {street[0]}"
    return derived


def postcode(column: str, text: str) -> Derived:
    """Letters and digits, and `_a` the area: the part before the blank, else three characters."""
    parts = "".join(_POSTCODE.findall(ascii_text(text))).split()
    if not parts:
        return {}
    area = parts[0] if len(parts) > 1 else parts[0][:_AREA_CHARACTERS]
    return {column: "".join(parts), f"{column}_a": area}


def place(column: str, text: str) -> Derived:
    """A city, or the name of a place or an organisation."""
    found = words(text)
    return {column: " ".join(found)} if found else {}


def email(column: str, text: str) -> Derived:
    """The address inside `Name <x@y>`, and `_u` the part before the @."""
    whole = ascii_text(text)
    match = _EMAIL.search(whole)
    value = match.group() if match else whole
    if not value:
        return {}
    user = value.partition("@")[0]
    return {column: value, f"{column}_u": user} if user else {column: value}


def phone(column: str, text: str) -> Derived:
    """The last ten digits without the extension, and `_7` the last seven."""
    digits = _NOT_DIGITS.sub("", _EXTENSION.split(ascii_text(text), maxsplit=1)[0])
    if len(digits) < _PHONE_DIGITS_MIN:
        return {}
    return {column: digits[-_PHONE_DIGITS:], f"{column}_7": digits[-_PHONE_LOCAL_DIGITS:]}


def national_id(column: str, text: str) -> Derived:
    """Letters and digits without a leading XXX mask."""
    value = _NOT_ALPHANUMERIC.sub("", ascii_text(text)).lstrip("x")
    return {column: value} if value else {}


def gender(column: str, text: str) -> Derived:
    first = fold(text)[:1]
    return {column: first} if first in {"m", "f"} else {}


def category(column: str, text: str) -> Derived:
    """A category as it is written, in ASCII."""
    value = ascii_text(text)
    return {column: value} if value else {}
