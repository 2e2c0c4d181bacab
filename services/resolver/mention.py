"""The accounts that a message names, in which role; read once, when the message lands. Pure."""

from collections.abc import Collection, Mapping

from services.identity.domain.accounts import (
    ACCOUNT_NUMBER,
    AccountType,
    Role,
    account_name,
    column_word,
    said_role,
)
from services.identity.domain.events import Canonical, EventType, ExternalId, Mention, Scalar
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent

GROUP = "group_id"


def mentions_in(
    message: ChannelEvent,
    kind: EventType,
    identifiers: Collection[ExternalId],
    *,
    source: Source,
    rules: IdentityRules,
) -> tuple[Mention, ...]:
    """Accounts named by identifiers and by a group call; mapped columns are read by `columns_in`.

    An account's own record holds it, who pays for another's is a payer, any other who names it
    uses it; a role that is said wins.
    """
    numbers = [each for each in identifiers if each.type == ACCOUNT_NUMBER]
    if not numbers and kind is not EventType.GROUP:
        return ()
    data = message.data
    said = said_role((data.traits if kind is EventType.GROUP else data.properties).get("role"))
    own = data.record.key.strip() if data.record.kind == ACCOUNT_NUMBER else None
    mapped = {value for _, value in _mapped(message, source, rules)} if source.mapping else set()
    found: dict[str, Mention] = {}
    for number in numbers:
        if number.value in mapped and number.value != own:
            continue
        name = account_name(AccountType.BILLING, number.scope, number.value)
        role = said or _default(data.event, is_own=number.value == own)
        found[name] = Mention(account=name, role=role)
    group = None if data.group_id is None else rules.normalise(GROUP, data.group_id)
    if kind is EventType.GROUP and group is not None:
        name = account_name(AccountType.ORGANISATION, source.workspace, group)
        found[name] = Mention(account=name, role=said or Role.USER, traits=_plain(data.traits))
    return tuple(found[name] for name in sorted(found))


def _default(event: str | None, *, is_own: bool) -> Role:
    if is_own:
        return Role.HOLDER
    return Role.PAYER if event == Canonical.PAYMENT_RECEIVED else Role.USER


def _plain(traits: Mapping[str, object]) -> dict[str, Scalar]:
    return {
        name: value
        for name, value in traits.items()
        if name != "role" and (value is None or isinstance(value, str | int | float | bool))
    }


def _mapped(message: ChannelEvent, source: Source, rules: IdentityRules) -> list[tuple[str, str]]:
    """Field and normalised number of every mapped column of account numbers."""
    if source.mapping is None:
        return []
    traits = message.data.traits
    raw = ((c.field, traits.get(c.name)) for c in source.mapping.accounts if c.identifier_type)
    found = [(field, rules.normalise(ACCOUNT_NUMBER, str(v))) for field, v in raw if v is not None]
    return [(field, value) for field, value in found if value is not None]


def columns_in(
    message: ChannelEvent, *, source: Source, rules: IdentityRules
) -> dict[str, str | None]:
    """What mapped columns say of accounts, by field: None where one says that there is none."""
    if source.mapping is None or not source.mapping.accounts:
        return {}
    traits = message.data.traits
    words: dict[str, str | None] = {}
    for column in source.mapping.accounts:
        if column.name not in traits:
            continue
        raw = traits[column.name]
        value = None if raw is None else rules.normalise(ACCOUNT_NUMBER, str(raw))
        if value is None:
            words[column.field] = None
            continue
        kind = AccountType.BILLING if column.identifier_type else AccountType.ORGANISATION
        if kind is AccountType.ORGANISATION:
            value = " ".join(value.casefold().split())
        is_own = message.data.record.kind == ACCOUNT_NUMBER or source.channel == "billing"
        role = Role(column.role) if column.role else (Role.HOLDER if is_own else Role.USER)
        words[column.field] = column_word(role, account_name(kind, source.workspace, value))
    return words
