"""What people share, for segments that ask of others; and who is to be looked at again.

Whoever changes leaves an ACCOUNT mark for each account of his; a mark brings one record of each
other member into a later batch, which evaluates her again and leaves no mark of its own. So work is
bounded: by accounts of a record, by `SHARED_ROWS_MAX` records of an account, and it ends.

An account of more records is a crowd: its members' fields are unknown, nobody of it is looked at
again. Who meets the crossing, up or down, tells it once and marks all; as ADR 13 does for keys.
Reading follows locking: what is read after a mark was taken is what its writer committed, or newer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from services.identity.domain.account_view import Account, account_view, names_in, person_view
from services.identity.domain.accounts import (
    AccountId,
    AccountType,
    account_id_of,
    mark_of,
    named,
)
from services.identity.domain.household import PersonRecord, is_building, lives_at, people_of
from services.identity.domain.ids import Micros, ProfileId
from services.identity.domain.ladder import Place
from services.identity.domain.shared import Shared, shared_with
from services.identity.store import Member, StoredRecord, Transaction
from services.identity.store_marks import MarkKind
from services.linkage.residence import person_record

SHARED_ROWS_MAX = 200  # records of one account that segments look at
_EVERYONE = ProfileId("")  # names of accounts are asked of a record, whoever's it is


def mark_accounts(tx: Transaction, records: Iterable[StoredRecord], *, at: Micros) -> None:
    """Others in the accounts of these records are to be looked at again."""
    accounts = {account_id_of(name) for record in records for name in _names(record)}
    tx.mark((MarkKind.ACCOUNT, mark_of(each), at) for each in sorted(accounts))


def reached_by(
    heard: Collection[int], now: Mapping[int, Place], before: Mapping[int, Member]
) -> list[int]:
    """Whoever stands or stood in one part with a record heard of; all, where of none."""
    parts = {now[number].part for number in heard if number in now}
    left = {before[number].component for number in heard if number in before}
    return [
        number
        for number, each in now.items()
        if not heard or each.part in parts or before[number].component in left
    ]


def _names(record: StoredRecord) -> list[str]:
    person = person_record(_EVERYONE, record.key, record.state, record.features)
    return [name for name in names_in(person) if named(name)[0] is not AccountType.ORGANISATION]


def members_marked(
    tx: Transaction, marked: Sequence[int], *, rows_max: int, at: Micros
) -> set[int]:
    """One record of each person in the accounts that were marked, crowds left out."""
    accounts = tx.accounts_at(marked)
    rows = tx.account_rows(accounts, rows_max=rows_max)
    crowds = {each for each in accounts if len(rows.get(each, ())) > rows_max}
    if crowds != tx.crowds_among(accounts):
        _tell_crowds(tx, accounts, rows_max=rows_max, at=at)
    numbers = {row.record for each in set(rows) - crowds for row in rows[each]}
    first: dict[ProfileId, int] = {}
    for number, member in sorted(tx.memberships(sorted(numbers)).items()):
        if member.profile is not None:
            first.setdefault(member.profile, number)
    return set(first.values())


def _tell_crowds(
    tx: Transaction, accounts: Sequence[AccountId], *, rows_max: int, at: Micros
) -> None:
    """Under lock: what was told of each, read again with its rows; a crossing marks all of it."""
    told = tx.lock_crowds(accounts)
    rows = tx.account_rows(accounts, rows_max=rows_max)
    crowds = {each for each in accounts if len(rows.get(each, ())) > rows_max}
    crossed = {each: each in crowds for each in accounts if (each in crowds) != (each in told)}
    tx.set_crowds(crossed)
    for each in sorted(crossed):
        tx.mark_account(each, at)


def shared_of(
    tx: Transaction, profiles: Collection[ProfileId], *, rows_max: int
) -> dict[ProfileId, Shared]:
    """What each of these people shares with others, as everything stands now."""
    own = _people(tx, profiles)
    around = _Around(tx, own, rows_max=rows_max)
    return {profile: around.shared(profile) for profile in own}


def _people(
    tx: Transaction, profiles: Collection[ProfileId]
) -> dict[ProfileId, list[PersonRecord]]:
    numbers = tx.records_in(sorted(profiles))
    records = tx.records(sorted(n for own in numbers.values() for n in own))
    return people_of(
        [
            person_record(profile, record.key, record.state, record.features)
            for profile, own in numbers.items()
            for record in (records[n] for n in own)
        ]
    )


class _Around:
    """Some people with all others of their billing accounts and dwellings, read at once."""

    def __init__(
        self, tx: Transaction, own: Mapping[ProfileId, Sequence[PersonRecord]], *, rows_max: int
    ) -> None:
        self._homes = {profile: lives_at(records) for profile, records in own.items()}
        self._billing = {
            profile: sorted(
                {
                    name
                    for record in records
                    for name in names_in(record)
                    if named(name)[0] is AccountType.BILLING
                }
            )
            for profile, records in own.items()
        }
        names = {name for found in self._billing.values() for name in found}
        names |= {home for home in self._homes.values() if home is not None}
        rows = tx.account_rows(sorted(map(account_id_of, names)), rows_max=rows_max)
        members = tx.memberships(sorted({row.record for each in rows.values() for row in each}))
        self._inside: dict[str, set[ProfileId]] = {}
        self._crowds: set[str] = set()
        for name in names:
            found = (members.get(row.record) for row in rows.get(account_id_of(name), ()))
            self._inside[name] = {m.profile for m in found if m and m.profile is not None}
            if len(rows.get(account_id_of(name), ())) > rows_max:
                self._crowds.add(name)
        others = {each for inside in self._inside.values() for each in inside}
        self._people = {**own, **_people(tx, others - own.keys())}

    def shared(self, profile: ProfileId) -> Shared:
        accounts = [self._account(name) for name in self._billing[profile]]
        home = self._home(profile)
        if home is None:
            alone = shared_with(self._alone(profile), accounts)
            return replace(
                alone, household_size=None, household_holdings=None, household_value=None
            )
        return shared_with(home, accounts)

    def _account(self, name: str) -> Account | None:
        return None if name in self._crowds else account_view(name, self._records(name))

    def _home(self, profile: ProfileId) -> Account | None:
        """Her household, herself alone, or None where too many people live."""
        name = self._homes[profile]
        if name is None:
            return self._alone(profile)
        records = self._records(name)
        if name in self._crowds or is_building(name, people_of(records)):
            return None
        found = account_view(name, records)
        is_member = profile in {member.profile for member in found.members}
        return found if is_member else self._alone(profile)

    def _alone(self, profile: ProfileId) -> Account:
        return person_view(profile, self._people[profile])

    def _records(self, name: str) -> list[PersonRecord]:
        """All records of the people inside; those of a crowd are not looked at."""
        if name in self._crowds:
            return []
        return [record for each in sorted(self._inside[name]) for record in self._people[each]]
