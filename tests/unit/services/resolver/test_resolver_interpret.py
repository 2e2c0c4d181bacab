"""A message of the log in the domain's words."""

from datetime import datetime

import msgspec
import pytest

from services.identity.domain.errors import RejectedError
from services.identity.domain.events import EventType, ExternalId
from services.identity.domain.identifiers import IdentityRules, rules_for
from services.identity.domain.ids import SourceName
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent, EventData
from services.resolver.interpret import content_hash, interpret
from tests.factories import channel_event

WEB = Source(name=SourceName("web"), channel="web", workspace="shop", region="GB")
RULES = IdentityRules()


def with_data(message: ChannelEvent, /, **changes: object) -> ChannelEvent:
    return msgspec.structs.replace(message, data=msgspec.structs.replace(message.data, **changes))


def test_a_login_says_user_device_mail_and_phone() -> None:
    event = interpret(
        with_data(
            channel_event(
                user_id="ann",
                anonymous_id="device",
                traits={"email": "Ann@example.org", "phone": "020 7946 0958"},
                external_ids=[("crm_id", "c-1"), ("shoe_size", "44")],
            ),
            previous_id="old",
        ),
        source=WEB,
        rules=RULES,
    )
    assert set(event.identifiers) == {
        ExternalId("user_id", "shop", "ann"),
        ExternalId("anonymous_id", "shop", "device"),
        ExternalId("anonymous_id", "shop", "old"),
        ExternalId("crm_id", "shop", "c-1"),
        ExternalId("email", "*", "ann@example.org"),
        ExternalId("phone", "*", "+442079460958"),
    }
    assert (event.type, event.record.key) == (EventType.IDENTIFY, "ann")
    assert event.occurred_at == 1_767_225_600_000_000


def test_traits_of_the_context_are_below_those_of_the_event() -> None:
    said = with_data(
        channel_event(traits={"city": "Leeds"}), context={"traits": {"city": "York", "plan": "a"}}
    )
    assert interpret(said, source=WEB, rules=RULES).fields == {"city": "Leeds", "plan": "a"}


def test_the_traits_of_a_group_call_are_no_persons() -> None:
    said = channel_event(kind="group", traits={"name": "Lee & Sons"})
    assert interpret(said, source=WEB, rules=RULES).fields == {}


def test_a_mapping_names_the_fields_and_leaves_the_rest() -> None:
    columns = {"mail": "email", "card": {"kind": "identifier"}, "note": "ignore"}
    source = Source(
        name=SourceName("web"),
        channel="files",
        workspace="shop",
        mapping=parse_mapping({"key": "id", "columns": columns}),
    )
    traits = {"mail": "ann@example.org", "card": "c-1", "note": "x", "more": "y"}
    event = interpret(channel_event(traits=traits), source=source, rules=rules_for([source]))
    assert event.fields == {"email": "ann@example.org", "card": "c-1"}
    assert {each.type for each in event.identifiers} == {"anonymous_id", "email", "card"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"traits": {"city": "York"}}, id="traits"),
        pytest.param({"context": {"traits": {"city": "York"}}}, id="traits-of-the-context"),
        pytest.param({"dated": False}, id="undated"),
        pytest.param({"properties": {"price": 1}}, id="properties"),
        pytest.param({"event": "Order Completed"}, id="name"),
        pytest.param({"user_id": "u"}, id="user-id"),
        pytest.param({"previous_id": "u"}, id="previous-id"),
    ],
)
def test_everything_that_is_read_is_hashed(changes: dict[str, object]) -> None:
    event = channel_event()
    assert content_hash(with_data(event, **changes)) != content_hash(event)


def test_an_honest_retry_has_the_hash_of_the_first_try() -> None:
    first = channel_event(traits={"a": 1, "b": {"c": 2, "d": 3}})
    again = with_data(
        channel_event(traits={"b": {"d": 3, "c": 2}, "a": 1}, minute=7),
        context={"library": "js"},
    )
    assert content_hash(first) == content_hash(again)


def test_an_integer_of_any_size_can_be_hashed() -> None:
    huge, larger = (channel_event(traits={"points": 10**30 + n}) for n in (0, 1))
    assert content_hash(huge) != content_hash(larger)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(channel_event(kind="shout"), "unknown_type", id="type"),
        pytest.param(channel_event(user_id="a\x00b"), "illegal_identifier", id="nul"),
        pytest.param(
            msgspec.structs.replace(
                channel_event(),
                time=datetime(2026, 1, 1),  # noqa: DTZ001  # what the case is about
            ),
            "bad_time",
            id="no-zone",
        ),
    ],
)
def test_what_can_never_be_accepted_is_refused(event: ChannelEvent, reason: str) -> None:
    with pytest.raises(RejectedError, match=reason):
        interpret(event, source=WEB, rules=RULES)


def test_every_part_of_the_data_that_is_a_word_of_the_sender_is_hashed() -> None:
    """A new field of the message must be put into the hash, or into this list with a reason."""
    not_said = {"received_at", "sent_at", "original_timestamp"}  # when, not what
    hashed = {
        "record", "event", "user_id", "anonymous_id", "previous_id", "group_id", "external_ids",
        "traits", "properties", "context", "dated",
    }  # fmt: skip
    assert set(EventData.__struct_fields__) == not_said | hashed
