"""What a column or trait can be: the closed list of field kinds and the field names they give."""

from enum import StrEnum


class Kind(StrEnum):
    """The kind of a field. It alone decides how the field is normalised and compared."""

    GIVEN_NAME = "given_name"
    MIDDLE_NAME = "middle_name"
    SURNAME = "surname"
    SUFFIX = "suffix"
    FULL_NAME = "full_name"
    ORGANISATION = "organisation"
    PLACE = "place"
    DATE_OF_BIRTH = "date_of_birth"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS_LINE = "address_line"
    STREET_NUMBER = "street_number"
    CITY = "city"
    POSTCODE = "postcode"
    REGION = "region"
    COUNTRY = "country"
    GENDER = "gender"
    NATIONAL_ID = "national_id"
    IDENTIFIER = "identifier"
    CATEGORY = "category"
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    EVENT_NAME = "event_name"
    IGNORE = "ignore"


MATCHING = frozenset(
    {
        Kind.GIVEN_NAME, Kind.MIDDLE_NAME, Kind.SURNAME, Kind.SUFFIX, Kind.FULL_NAME,
        Kind.ORGANISATION, Kind.PLACE, Kind.DATE_OF_BIRTH, Kind.EMAIL, Kind.PHONE,
        Kind.ADDRESS_LINE, Kind.STREET_NUMBER, Kind.CITY, Kind.POSTCODE, Kind.GENDER,
        Kind.NATIONAL_ID, Kind.IDENTIFIER, Kind.CATEGORY,
    }
)  # fmt: skip
"""Kinds that take part in matching; the others are kept and shown only."""

NAMED_BY_COLUMN = frozenset(
    {Kind.CATEGORY, Kind.ORGANISATION, Kind.PLACE, Kind.TEXT, Kind.NUMBER, Kind.TIME}
)
"""Kinds whose field is called like its column, so that two of them are never mixed up."""
