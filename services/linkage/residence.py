"""Where a record lives and what ties it to others who live there, from its derived columns."""

import msgspec

from services.identity.domain.accounts import AccountType, account_name
from services.identity.domain.household import PersonRecord
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.record import RecordState

_decoder = msgspec.msgpack.Decoder(dict[str, str | list[str]])
_PHONES = ("f0", "f1", "f2")

Columns = dict[str, str | list[str]]


def dwelling_of(columns: Columns) -> str | None:
    """The name of the dwelling that a record lives in; None without address line and postcode."""
    line, postcode = columns.get("a0"), columns.get("p0")
    if isinstance(line, str) and isinstance(postcode, str):
        return account_name(AccountType.HOUSEHOLD, "", f"{line}\x1f{postcode}")
    return None


def person_record(
    profile: ProfileId, key: RecordKey, state: RecordState, features: bytes
) -> PersonRecord:
    """A record as households see it."""
    columns: Columns = _decoder.decode(features)
    phones = [f"phone {columns[name]}" for name in _PHONES if name in columns]
    surname = [f"surname {columns['s']}"] if "s" in columns else []
    return PersonRecord(
        profile=profile,
        key=key,
        state=state,
        dwelling=dwelling_of(columns),
        ties=frozenset([*surname, *phones]),
    )
