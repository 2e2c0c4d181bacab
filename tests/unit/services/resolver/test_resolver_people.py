"""Who is one person, end to end: landed, resolved and told, one case a test."""

import msgspec
import pytest

from services.identity.domain.ids import RecordKey, profile_id_of
from services.identity.wire.events import ChannelEvent
from tests.factories import channel_event
from tests.resolver_home import Home

ANN = {"firstName": "Ann", "lastName": "Lee", "email": "ann@example.org"}
ANN_BORN = {**ANN, "birthday": "1980-02-03"}


def a_visit(device: str, *, message_id: str, user_id: str | None = None) -> ChannelEvent:
    """A page view of a browser, without or with a login."""
    return channel_event(
        anonymous_id=device, user_id=user_id, message_id=message_id, kind="page", minute=5
    )


def with_previous(event: ChannelEvent, previous: str) -> ChannelEvent:
    return msgspec.structs.replace(
        event, data=msgspec.structs.replace(event.data, previous_id=previous)
    )


def test_an_anonymous_visitor_joins_the_only_login_on_its_device() -> None:
    home = Home().say(
        a_visit("device", message_id="1"), a_visit("device", user_id="ann", message_id="2")
    )
    assert home.people() == {frozenset({"device", "ann"})}


def test_a_shared_device_stays_alone_and_says_so() -> None:
    home = Home().say(
        a_visit("device", message_id="1"),
        a_visit("device", user_id="ann", message_id="2"),
        a_visit("device", user_id="ben", message_id="3"),
    )
    assert home.people() == {frozenset({"device"}), frozenset({"ann"}), frozenset({"ben"})}
    device = home.profile_of(RecordKey("web", "anonymous_id", "device"))
    assert {p: d["ambiguous"] for p, d in home.documents().items() if d["ambiguous"]} == {
        device: True
    }


def test_a_second_login_takes_the_device_away_again() -> None:
    home = Home().say(
        a_visit("device", message_id="1"), a_visit("device", user_id="ann", message_id="2")
    )
    home.say(a_visit("device", user_id="ben", message_id="3"))
    assert frozenset({"device"}) in home.people()


def test_two_user_ids_of_one_workspace_are_never_one_person() -> None:
    home = Home().say(
        channel_event(user_id="ann-1", message_id="1", traits=ANN_BORN),
        channel_event(user_id="ann-2", message_id="2", traits=ANN_BORN),
    )
    assert home.people() == {frozenset({"ann-1"}), frozenset({"ann-2"})}


def test_user_ids_of_two_workspaces_may_be_one_person() -> None:
    home = Home().say(
        channel_event(user_id="ann-1", message_id="1", traits=ANN_BORN),
        channel_event(source="bank", user_id="ann-2", message_id="2", traits=ANN_BORN),
    )
    assert home.people() == {frozenset({"ann-1", "ann-2"})}


def test_a_crm_id_that_would_join_two_user_ids_is_demoted() -> None:
    home = Home().say(
        channel_event(user_id="ann", message_id="1", external_ids=[("crm_id", "c-1")]),
        channel_event(user_id="ben", message_id="2", external_ids=[("crm_id", "c-1")]),
    )
    assert home.people() == {frozenset({"ann"}), frozenset({"ben"})}
    assert {kind for kind, _ in home.store.tables.reviews} == {"identifier_demoted"}


def test_records_of_a_unique_source_never_merge() -> None:
    home = Home().say(
        *(
            channel_event(
                source="billing",
                record=("account_number", account),
                anonymous_id="device",
                message_id=account,
                traits=ANN_BORN,
                external_ids=[("crm_id", "c-1")],
            )
            for account in ("4401", "4402")
        )
    )
    assert home.people() == {frozenset({"4401"}), frozenset({"4402"})}


def test_late_records_of_a_unique_source_never_merge() -> None:
    """Two anonymous billing records share a device each with one web user."""
    home = Home().say(
        channel_event(source="billing", anonymous_id="a-1", message_id="1", kind="page"),
        channel_event(source="billing", anonymous_id="a-2", message_id="2", kind="page"),
        with_previous(a_visit("a-1", user_id="ann", message_id="3"), "a-2"),
    )
    assert home.people() == {frozenset({"a-1", "ann"}), frozenset({"a-2"})}


def test_a_late_record_brings_no_second_user_id() -> None:
    home = Home().say(
        channel_event(
            anonymous_id="device", message_id="1", kind="page", external_ids=[("user_id", "ben")]
        ),
        a_visit("device", user_id="ann", message_id="2"),
    )
    assert home.people() == {frozenset({"device"}), frozenset({"ann"})}


def test_two_visitors_of_whom_nothing_is_known_are_joined_by_an_alias() -> None:
    alias = with_previous(channel_event(anonymous_id="new", message_id="2", kind="alias"), "old")
    home = Home().say(a_visit("old", message_id="1"), alias)
    assert home.people() == {frozenset({"new", "old"})}


def test_a_generic_identifier_joins_nobody_even_in_one_component() -> None:
    """All have one CRM id; two of them also share a mailbox, which alone is not enough."""
    mail = {"email": "ann@example.org"}
    said = [
        channel_event(
            record=("account_number", account),
            message_id=account,
            traits=mail if account in {"4401", "4402"} else {},
            external_ids=[("crm_id", "c-1")],
        )
        for account in ("4401", "4402", "4403", "4404")
    ]
    several = Home(holders_max=3).say(*said)
    assert several.hash().edges == 1
    assert len(several.people()) == 4
    assert len(Home(holders_max=4).say(*said).people()) == 1


def test_an_absorbed_id_still_leads_to_todays_profile_and_a_split_gives_ids_back() -> None:
    web, bank = RecordKey("web", "user_id", "ann"), RecordKey("bank", "user_id", "ann")
    first = channel_event(user_id="ann", message_id="1", traits=ANN_BORN)
    home = Home().say(first)
    home.say(channel_event(source="bank", user_id="ann", message_id="2", minute=1, traits={}))
    assert home.people() == {frozenset({"ann"})}
    assert set(home.documents()) == {profile_id_of(web), profile_id_of(bank)}

    home.say(channel_event(source="bank", user_id="ann", message_id="3", minute=2, traits=ANN_BORN))
    assert home.profile_of(bank) == home.profile_of(web) == profile_id_of(web)
    absorbed = home.store.tables.profiles[profile_id_of(bank)]
    assert absorbed.document is None

    unlike = {"firstName": "Bob", "lastName": "Ray", "email": None, "birthday": "1990-05-06"}
    home.say(channel_event(source="bank", user_id="ann", message_id="4", minute=3, traits=unlike))
    assert home.profile_of(bank) == profile_id_of(bank)
    assert home.profile_of(web) == profile_id_of(web)
    kinds = [message.type for message in home.told() if message.type != "profile.updated"]
    assert kinds == ["profile.created", "profile.created", "profile.merged", "profile.split"]


def test_an_older_event_that_comes_late_reanchors() -> None:
    web, bank = RecordKey("web", "user_id", "ann"), RecordKey("bank", "user_id", "eve")
    home = Home().say(
        channel_event(user_id="ann", message_id="1", minute=5, traits=ANN_BORN),
        channel_event(source="bank", user_id="eve", message_id="2", minute=6, traits=ANN_BORN),
    )
    assert home.profile_of(bank) == profile_id_of(web)
    home.say(channel_event(source="bank", user_id="eve", message_id="3", minute=-9, kind="page"))
    assert home.profile_of(web) == profile_id_of(bank)
    last = [m for m in home.told() if m.type == "profile.reanchored"]
    assert [m.data for m in last] == [{"old": profile_id_of(web), "new": profile_id_of(bank)}]


def test_messages_of_a_profile_are_numbered_without_gaps() -> None:
    home = Home().say(
        channel_event(user_id="ann", message_id="1", minute=5, traits=ANN_BORN),
        channel_event(source="bank", user_id="eve", message_id="2", minute=6, traits=ANN_BORN),
    )
    home.say(channel_event(source="bank", user_id="eve", message_id="3", minute=-9, kind="page"))
    by_profile: dict[str, list[int]] = {}
    for message in home.told():
        by_profile.setdefault(message.profile_id, []).append(message.sequence)
    assert all(found == list(range(1, len(found) + 1)) for found in by_profile.values())


def test_a_smaller_copy_moves_an_event_and_leaves_the_old_record_empty_and_out_of_the_hash() -> (
    None
):
    later = channel_event(user_id="ann", message_id="1", minute=5, traits=ANN)
    sooner = channel_event(user_id="ben", message_id="1", minute=4, traits=ANN)
    moved = Home().say(later).say(sooner)
    assert moved.profile_of(RecordKey("web", "user_id", "ann")) is None
    assert moved.people() == {frozenset({"ben"})}
    assert moved.hash() == Home().say(sooner).hash() == Home().say(sooner, later).hash()
    assert moved.hash().records == 1


def test_a_null_takes_the_reason_to_be_joined_away() -> None:
    home = Home().say(
        channel_event(user_id="ann", message_id="1", traits=ANN_BORN),
        channel_event(source="bank", user_id="eve", message_id="2", traits=ANN_BORN),
    )
    assert len(home.people()) == 1
    cleared = dict.fromkeys(ANN_BORN)
    home.say(channel_event(source="bank", user_id="eve", message_id="3", minute=1, traits=cleared))
    assert len(home.people()) == 2


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"{", id="torn"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="nested"),
        pytest.param(b"\xff", id="no-utf-8"),
    ],
)
def test_a_broken_message_is_a_dead_letter_and_the_worker_goes_on(value: bytes) -> None:
    home = Home().append(value).say(channel_event(user_id="ann"))
    assert home.people() == {frozenset({"ann"})}
    letters = [p for p, found in home.log.messages.items() if p.topic.endswith("-dlq") and found]
    assert len(letters) == 1


@pytest.mark.parametrize(
    "traits",
    [
        pytest.param({"city": "Leeds", "address": {"city": 5}}, id="a-name-at-two-levels"),
        pytest.param({"points": 10**30}, id="an-integer-of-any-size"),
    ],
)
def test_odd_traits_do_not_stop_the_worker(traits: dict[str, object]) -> None:
    home = Home().say(channel_event(user_id="ann", traits=traits))
    assert home.people() == {frozenset({"ann"})}


def test_an_office_phone_that_glued_people_lets_them_go_and_says_why() -> None:
    def call(number: int, phone: str | None = "+441134960123") -> ChannelEvent:
        return channel_event(
            anonymous_id=f"v-{number}", message_id=f"m-{number}-{phone}", minute=number,
            traits={"phone": phone, "firstName": "Reception"},
        )  # fmt: skip

    home = Home(holders_max=3).say(*(call(number) for number in range(3)))
    assert len(home.people()) == 1
    home.say(call(3))
    assert len(home.people()) == 4
    (split,) = [change for change in home.told() if change.type == "profile.split"]
    assert (len(split.data["into"]), split.data["because"]) == (3, "generic_value")
    home.say(channel_event(anonymous_id="v-3", message_id="m-9", minute=9, traits={"phone": None}))
    assert sorted(map(len, home.people())) == [1, 3]
    parted = Home().say(*(call(number) for number in range(2)))
    parted.say(call(1, "+442079460958"))
    assert not any("because" in change.data for change in parted.told())
