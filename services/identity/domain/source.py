"""A source: one sender in a channel, what it may be trusted with, and how its payload maps."""

from dataclasses import dataclass

from services.identity.domain.ids import SourceName
from services.identity.domain.mapping import Mapping

KEY_ORDER = ("user_id", "account_number", "contact_id", "anonymous_id")
"""Which of an event's own keys names its record: the first that it carries."""

_OWN_KEY = {"billing": "account_number", "call_centre": "contact_id"}


def key_order(channel: str) -> tuple[str, ...]:
    """A channel's own key comes first: billing speaks of accounts, whoever is logged in there."""
    own = _OWN_KEY.get(channel)
    return KEY_ORDER if own is None else (own, *(kind for kind in KEY_ORDER if kind != own))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`mapping` is None for tracking and canonical channel events, whose traits have known names.

    `workspace` is where user_id, anonymous_id and account_number count; `region` (ISO 3166) is how
    national phone numbers are read; a higher `trust` wins where survivorship asks for trust.
    `unique` says that no two records of this source are one person.
    """

    name: SourceName
    channel: str
    workspace: str
    trust: int = 0
    region: str | None = None
    unique: bool = False
    mapping: Mapping | None = None
