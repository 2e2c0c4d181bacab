"""A record that no link joins goes to the only person it could be, and is told to have."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.identity.domain.evidence import RowKind
from services.identity.domain.explained import Explained, Reason, RecordSubject, WhyNot
from services.identity.domain.ids import RecordKey
from services.identity.wire.events import ChannelEvent
from services.linkage.features import derive
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from services.linkage.waterfall import explain_pair
from services.resolver.explaining.explainer import Explainer
from services.resolver.standing import Standing
from tests.factories import channel_event
from tests.resolver_home import MODEL, Home

ANN = {"firstName": "Ann", "lastName": "Lee", "email": "lee@example.org"}
LEE = {"lastName": "Lee", "email": "lee@example.org"}
BOB = {"firstName": "Bob", "lastName": "Lee", "email": "lee@example.org"}
ONE_BIT_BELOW_EVEN_ODDS = -1.0


@pytest.fixture(scope="module")
def model() -> LinkageModel:
    """Under it Ann and a Lee of whom no more is known weigh one bit less than even odds."""
    scorer = PairScorer(MODEL)
    ann = {"given_name": "Ann", "surname": "Lee", "email": "lee@example.org"}
    lee = {"surname": "Lee", "email": "lee@example.org"}
    pair = explain_pair(scorer, derive(ann, MODEL.spec), derive(lee, MODEL.spec))
    scorer.close()
    prior = MODEL.prior_weight - pair.bits + ONE_BIT_BELOW_EVEN_ODDS
    return replace(MODEL, prior_weight=prior, alone_share=0.2)


def say(name: str, traits: dict[str, str]) -> ChannelEvent:
    return channel_event(source="app", record=("ticket", name), message_id=name, traits=traits)


def asked(model: LinkageModel, said: Sequence[ChannelEvent]) -> Explainer:
    standing = Standing(scorer=PairScorer(model))
    home = Home(standing=standing).say(*said)
    return Explainer(home.store, standing)


def subject(name: str) -> RecordSubject:
    return RecordSubject(RecordKey("app", "ticket", name))


def test_a_claim_is_told_as_what_decided(model: LinkageModel) -> None:
    explainer = asked(model, [say("ann", ANN), say("lee", LEE)])
    found = explainer.explain(subject("ann"), subject("lee"))
    assert isinstance(found, Explained)
    (step,) = found.path
    for told in (step.link, step.waterfall):
        assert told is not None
        assert told.rows[-1].kind is RowKind.CLAIM
        assert told.bits == pytest.approx(ONE_BIT_BELOW_EVEN_ODDS + 1.585, abs=0.001)


def test_who_could_be_another_as_well_is_claimed_by_nobody(model: LinkageModel) -> None:
    explainer = asked(model, [say("ann", ANN), say("lee", LEE), say("bob", BOB)])
    found = explainer.why_not(subject("ann"), subject("lee"))
    assert isinstance(found, WhyNot)
    assert found.reason is Reason.CLUSTERING


def test_where_everybody_may_be_alone_nobody_is_claimed(model: LinkageModel) -> None:
    shy = replace(model, alone_share=1.0)
    explainer = asked(shy, [say("ann", ANN), say("lee", LEE)])
    found = explainer.why_not(subject("ann"), subject("lee"))
    assert isinstance(found, WhyNot)
    assert found.reason is Reason.CLUSTERING
