"""An account as the API answers it: plain values, money as decimal text, times as RFC 3339."""

from collections.abc import Mapping

from services.identity.domain.account_view import Account, AccountMember, RoleHeld, Value
from services.identity.domain.ids import Micros, ProfileId
from services.profile_api.account_desk import Found
from services.profile_api.profile_view import holding
from services.profile_api.times import instant


def account_answer(found: Found, confidences: Mapping[ProfileId, float]) -> dict[str, object]:
    account = found.account
    return {
        "account_id": account.id,
        "type": account.type,
        "workspace": account.workspace or None,
        "name": account.name,
        "complete": found.complete,
        "building": found.building,
        "traits": account.traits,
        "members": [_member(each, confidences) for each in account.members],
        "holdings": [holding(each) for each in account.holdings],
        "value": _value(account.value),
    }


def membership_answer(account: Account, profile: ProfileId) -> dict[str, object]:
    """An account from the side of one of its members."""
    own = next((each for each in account.members if each.profile == profile), None)
    return {
        "account_id": account.id,
        "type": account.type,
        "workspace": account.workspace or None,
        "name": account.name,
        "roles": {} if own is None else _roles(own),
        "member_count": len(account.members),
        "value": _value(account.value),
    }


def _member(member: AccountMember, confidences: Mapping[ProfileId, float]) -> dict[str, object]:
    return {
        "profile_id": member.profile,
        "identity_confidence": confidences.get(member.profile),
        "record_count": member.records,
        "roles": _roles(member),
    }


def _roles(member: AccountMember) -> dict[str, object]:
    return {role: _role(held) for role, held in member.roles.items()}


def _role(held: RoleHeld) -> dict[str, object]:
    return {
        "first_seen": instant(None if held.first is None else Micros(held.first)),
        "last_seen": instant(None if held.last is None else Micros(held.last)),
        "sources": held.sources,
    }


def _value(value: Value) -> dict[str, object]:
    return {"invoiced": value.invoiced, "paid": value.paid}
