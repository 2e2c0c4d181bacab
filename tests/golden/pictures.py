"""The pictures of docs/explain.md, drawn of invented people by what really resolves them."""

from collections.abc import Mapping
from dataclasses import replace

from services.identity.domain.explained import Explained, How, RecordSubject, WhyNot
from services.identity.domain.ids import RecordKey
from services.linkage.score import PairScorer
from services.linkage.term_frequencies import TermFrequencies
from services.profile_api.explain_view import Teller
from services.profile_api.pictures import pages
from services.resolver.explaining.explainer import Explainer
from services.resolver.standing import Standing
from tests.factories import channel_event, untrained_model
from tests.resolver_home import Home

COMMON = TermFrequencies.of({"smith": 0.01}, default=0.0002, mean=0.004)
KATE = {"firstName": "Kate", "lastName": "Farnwick", "birthday": "1984-03-09"}
AT_HOME = {"street": "12 Mill Lane", "postalCode": "AB1 2CD"}
JOHN = {"firstName": "John", "lastName": "Smith", "email": "smiths@example.org"}
EVENTS = (
    channel_event(anonymous_id="a-17", message_id="1", kind="page"),
    channel_event(
        user_id="u-9", anonymous_id="a-17", message_id="2",
        traits={**KATE, "email": "k@example.org"},
    ),
    channel_event(source="app", user_id="u-9", message_id="3", traits={"city": "Leeds"}),
    channel_event(source="bank", user_id="b-4", message_id="4", traits={**KATE, **AT_HOME}),
    channel_event(
        source="billing",
        record=("account_number", "4401"),
        message_id="5",
        traits={**KATE, **AT_HOME, "firstName": "Katie", "email": "k@example.org"},
    ),
    channel_event(
        source="billing", record=("account_number", "7"), message_id="6",
        traits={**JOHN, "birthday": "1950-01-02", "suffix": "Sr"},
    ),
    channel_event(
        source="bank", user_id="b-8", message_id="7",
        traits={**JOHN, "birthday": "1978-11-20", "suffix": "Jr"},
    ),
)  # fmt: skip


def pictures() -> Mapping[str, str]:
    """Path -> SVG."""
    model = replace(untrained_model(), term_frequencies={"s": COMMON}, prior_weight=-17.0)
    standing = Standing(scorer=PairScorer(model))
    home = Home(standing=standing).say(*EVENTS)
    explainer = Explainer(home.store, standing)
    together = explainer.explain(
        _record("web", "anonymous_id", "a-17"), _record("billing", "account_number", "4401")
    )
    apart = explainer.why_not(
        _record("billing", "account_number", "7"), _record("bank", "user_id", "b-8")
    )
    how = explainer.how(_record("web", "user_id", "u-9"))
    assert isinstance(together, Explained)
    assert isinstance(apart, WhyNot)
    assert isinstance(how, How)
    return {
        "docs/pictures/explain.svg": pages.picture_of_explained(_teller().explained(together)),
        "docs/pictures/why-not.svg": pages.picture_of_why_not(_teller().why_not(apart)),
        "docs/pictures/how.svg": pages.picture_of_how(_teller().how(how)),
    }


def _teller() -> Teller:
    return Teller(show_values=True)


def _record(source: str, kind: str, key: str) -> RecordSubject:
    return RecordSubject(RecordKey(source, kind, key))
