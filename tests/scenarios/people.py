"""A home with the shipped model, and short ways to say what channels say about invented people."""

from collections.abc import Mapping, Sequence
from functools import cache

from services.identity.domain.ids import SourceName
from services.identity.domain.ruleset import encode_ruleset, parse_ruleset
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from services.linkage.shipped import shipped_model
from services.resolver.standing import Standing
from tests.factories import channel_event
from tests.resolver_home import Home

SOURCES = tuple(
    Source(name=SourceName(name), channel=name, workspace="shop", region="GB")
    for name in ("web", "app", "call_centre", "billing")
)
OWN_KIND = (
    "contact_id"  # in a source of its own it ties nothing: no limit on user ids helps the model
)


@cache
def shipped_standing() -> Standing:
    return Standing(scorer=PairScorer(LinkageModel.from_json(shipped_model().decode())))


def says(source: str, key: str, *, day: int = 0, **traits: object) -> ChannelEvent:
    """What one channel says about one of its own keys on a day after the epoch of all tests."""
    return channel_event(
        source=source,
        record=(OWN_KIND, key),
        message_id=f"{source}-{key}-{day}",
        minute=day * 24 * 60,
        traits=traits,
    )


def people_of(
    events: Sequence[ChannelEvent], *, rules: Mapping[str, object] | None = None
) -> set[frozenset[str]]:
    """Who is one person, by the keys of their records; the same in either order of arrival."""
    home, other = (Home(sources=SOURCES, standing=shipped_standing()) for _ in range(2))
    if rules is not None:
        declared = parse_ruleset(rules)
        for each in (home, other):
            each.store.activate_ruleset(declared.version, encode_ruleset(declared))
    assert home.say(*events).hash() == other.say(*reversed(events)).hash()
    return home.people()


def together(*groups: str) -> set[frozenset[str]]:
    """`"ann-1 ann-2", "ben-1"`: the partition that is expected."""
    return {frozenset(group.split()) for group in groups}
