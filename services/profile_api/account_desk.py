"""Accounts found and put together: by id, by number or group, or all that a person is in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from services.identity.domain.account_view import Account, account_view, name_of, names_in
from services.identity.domain.accounts import (
    ACCOUNT_NUMBER,
    AccountId,
    AccountType,
    account_id_of,
    account_name,
    named,
)
from services.identity.domain.decision import Per
from services.identity.domain.household import PersonRecord, is_building, lives_at, people_of
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import ProfileId
from services.identity.domain.profile import Holding
from services.identity.domain.reading import RecordRow
from services.identity.domain.source import Source
from services.linkage.residence import person_record
from services.profile_api.ports import AccountReads

RECORDS_MAX = 1_000  # of one account; a larger one is answered from so many, and says so
ACCOUNTS_READ_MAX = 20  # of one person; each is a read of its own
PERSON_RECORDS_MAX = 10_000  # of all people of one account
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TYPES = {ACCOUNT_NUMBER: AccountType.BILLING, "group_id": AccountType.ORGANISATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`complete` is false where the account has more records than are read."""

    account: Account
    complete: bool
    building: bool


def ids_of(
    text: str, rules: IdentityRules, sources: Sequence[Source]
) -> Sequence[AccountId] | None:
    """The ids that a reference may mean: one a workspace. None for what is no reference."""
    if _ID.fullmatch(text):
        return [AccountId(text.lower())]
    kind, _, raw = text.partition(":")
    if kind not in _TYPES or not raw:
        return None
    value = rules.normalise(kind, raw)
    scopes = sorted({source.workspace for source in sources})
    return (
        []
        if value is None
        else [account_id_of(account_name(_TYPES[kind], s, value)) for s in scopes]
    )


async def read_account(reads: AccountReads, account: AccountId) -> Found | None:
    """None for an account that no resolved record is in today."""
    rows = await reads.records_of_account(account, records_max=RECORDS_MAX + 1)
    records = [_person(row) for row in rows[:RECORDS_MAX]]
    name = name_of(account, records)
    if name is None:
        return None
    if named(name)[0] is not AccountType.BILLING:
        people = sorted({record.profile for record in records})
        more = await reads.records_of_profiles(people, records_max=PERSON_RECORDS_MAX)
        records = [_person(row) for row in more]
    return Found(
        account=account_view(name, records),
        complete=len(rows) <= RECORDS_MAX,
        building=named(name)[0] is AccountType.HOUSEHOLD and is_building(name, people_of(records)),
    )


async def names_of_person(reads: AccountReads, profile: ProfileId) -> tuple[list[str], str | None]:
    """The billing accounts and organisations that a person is in, and where she lives."""
    rows = await reads.records_of_profiles([profile], records_max=PERSON_RECORDS_MAX)
    records = [_person(row) for row in rows]
    names = {name for record in records for name in names_in(record)}
    return (
        sorted(name for name in names if named(name)[0] is not AccountType.HOUSEHOLD),
        lives_at(records),
    )


async def shared_holdings(reads: AccountReads, profile: ProfileId, per: Per) -> Sequence[Holding]:
    """What a person's accounts hold, or the others of her household: of those never the price."""
    if per is Per.PERSON:
        return ()
    names, dwelling = await names_of_person(reads, profile)
    if per is Per.HOUSEHOLD:
        home = None if dwelling is None else await read_account(reads, account_id_of(dwelling))
        if home is None or profile not in {each.profile for each in home.account.members}:
            return ()
        return [replace(each, price=None, held_from=None) for each in home.account.holdings]
    billing = [name for name in names if named(name)[0] is AccountType.BILLING]
    found = [await read_account(reads, account_id_of(name)) for name in billing[:ACCOUNTS_READ_MAX]]
    return [holding for each in found if each is not None for holding in each.account.holdings]


def _person(row: RecordRow) -> PersonRecord:
    return person_record(row.profile, row.key, row.state, row.features)
