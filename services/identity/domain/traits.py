"""What the traits of tracking calls are called, and the field of the profile each one feeds."""

from collections.abc import Iterator, Mapping
from operator import itemgetter

from services.identity.domain.events import Scalar
from services.identity.domain.kinds import Kind

_NAMES: Mapping[Kind, tuple[str, ...]] = {
    Kind.GIVEN_NAME: ("firstName", "first_name", "firstname", "givenName", "given_name"),
    Kind.MIDDLE_NAME: ("middleName", "middle_name"),
    Kind.SURNAME: ("lastName", "last_name", "lastname", "surname", "familyName", "family_name"),
    Kind.SUFFIX: ("suffix", "nameSuffix", "name_suffix"),
    Kind.FULL_NAME: ("name", "fullName", "full_name"),
    Kind.DATE_OF_BIRTH: ("birthday", "dateOfBirth", "date_of_birth", "birthDate", "dob"),
    Kind.EMAIL: ("email", "emailAddress", "email_address"),
    Kind.PHONE: ("phone", "phoneNumber", "phone_number", "mobile", "telephone"),
    Kind.STREET_NUMBER: ("streetNumber", "street_number"),
    Kind.ADDRESS_LINE: ("street", "addressLine", "address_line", "addressLine1", "streetAddress"),
    Kind.CITY: ("city", "town"),
    Kind.POSTCODE: ("postalCode", "postal_code", "postcode", "zip", "zipCode"),
    Kind.REGION: ("state", "region", "county"),
    Kind.COUNTRY: ("country",),
    Kind.GENDER: ("gender", "sex"),
    Kind.NATIONAL_ID: ("nationalId", "national_id", "ssn"),
}
_KIND_OF = {name: kind for kind, names in _NAMES.items() for name in names}

TRAIT_FIELDS: Mapping[str, Kind] = {kind.value: kind for kind in _NAMES}
"""The fields that tracking traits can feed, with their kinds: what a channel adds to a model."""

TRAITS_MAX = 300  # distinct traits of one event that become fields; more is a broken sender
_ADDRESS = "address"


def fields_of(traits: Mapping[str, object]) -> dict[str, Scalar]:
    """Field -> value. Known traits get their field's name, others keep their own.

    A nested `address` object is read like top-level traits; other nested values stay with the
    event only. Two traits for one field: the first in name order wins, so that order cannot; of
    one name at both levels the upper one.
    """
    result: dict[str, Scalar] = {}
    for name, _, value in sorted(_flat(traits, 0), key=itemgetter(0, 1)):
        kind = _KIND_OF.get(name)
        field = kind.value if kind else name
        if field in result or len(result) >= TRAITS_MAX:
            continue
        result[field] = value if kind is None or value is None else str(value)
    return result


def _flat(traits: Mapping[str, object], level: int) -> Iterator[tuple[str, int, Scalar]]:
    for name, value in traits.items():
        if value is None or isinstance(value, str | int | float | bool):
            yield name, level, value
        elif name == _ADDRESS and isinstance(value, dict):
            inner = {str(k): v for k, v in value.items() if k != _ADDRESS}
            yield from _flat(inner, level + 1)
