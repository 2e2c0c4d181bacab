"""Which records are in which accounts: landed, moved and ended, one case a test."""

import msgspec
import pytest

from services.identity.domain.accounts import AccountType, account_id_of, account_name
from services.identity.domain.ids import SourceName
from services.identity.domain.mapping import parse_mapping
from services.identity.domain.source import Source
from services.identity.wire.events import ChannelEvent
from services.resolver.rederive import rederive
from tests.factories import channel_event, still_clock
from tests.resolver_home import SOURCES, Home

LEES = account_id_of(account_name(AccountType.BILLING, "shop", "4401"))
RAYS = account_id_of(account_name(AccountType.BILLING, "shop", "4402"))
ACME = account_id_of(account_name(AccountType.ORGANISATION, "shop", "acme"))
ALDER_ROW = account_id_of(account_name(AccountType.HOUSEHOLD, "", "14 alder row\x1fls73qt"))
ADDRESS = {"street": "14 Alder Row", "postalCode": "LS7 3QT"}
NUMBER = ("account_number", "4401")


def rows(home: Home) -> set[tuple[str, str, str]]:
    with home.store.snapshot() as snapshot:
        return {(account, record.key, role) for account, record, role in snapshot.accounts()}


def group(group_id: str, *, role: str | None = None, **said: int) -> ChannelEvent:
    traits = {"name": "Acme"} | ({} if role is None else {"role": role})
    event = channel_event(user_id="ann", kind="group", message_id=f"g{said}", traits=traits, **said)  # type: ignore[arg-type]  # a minute
    return msgspec.structs.replace(
        event, data=msgspec.structs.replace(event.data, group_id=group_id)
    )


def test_the_own_record_holds_and_who_quotes_the_number_uses() -> None:
    home = Home().say(
        channel_event(source="billing", record=NUMBER, message_id="1", kind="page"),
        channel_event(user_id="ann", message_id="2", external_ids=[NUMBER]),
    )
    assert rows(home) == {(LEES, "4401", "holder"), (LEES, "ann", "user")}


def test_who_pays_for_anothers_account_is_a_payer() -> None:
    home = Home().say(
        channel_event(
            user_id="eve",
            kind="track",
            event="Payment Received",
            properties={"amount": 5},
            external_ids=[NUMBER],
        )
    )
    assert rows(home) == {(LEES, "eve", "payer")}


def test_a_role_that_is_said_wins() -> None:
    home = Home().say(
        channel_event(user_id="eve", properties={"role": "holder"}, external_ids=[NUMBER])
    )
    assert rows(home) == {(LEES, "eve", "holder")}


def test_a_group_call_names_an_organisation_until_it_is_left() -> None:
    home = Home().say(group("acme", minute=1))
    assert rows(home) == {(ACME, "ann", "user")}
    home.say(group("acme", minute=2, role="none"))
    assert rows(home) == set()
    home.say(group("acme", minute=3, role="holder"))
    assert rows(home) == {(ACME, "ann", "holder")}


def test_an_older_word_that_comes_late_does_not_bring_a_member_back() -> None:
    late = Home().say(group("acme", minute=2, role="none")).say(group("acme", minute=1))
    assert rows(late) == set()


def test_a_smaller_copy_takes_the_membership_with_it() -> None:
    later = channel_event(user_id="ann", minute=5, external_ids=[NUMBER])
    sooner = channel_event(user_id="ben", minute=4, external_ids=[("account_number", "4402")])
    home = Home().say(later)
    assert rows(home) == {(LEES, "ann", "user")}
    assert rows(home.say(sooner)) == {(RAYS, "ben", "user")}
    assert home.hash() == Home().say(sooner).hash()


def test_a_dwelling_is_a_line_and_a_postcode() -> None:
    home = Home().say(
        channel_event(user_id="ann", message_id="1", traits=ADDRESS),
        channel_event(user_id="ben", message_id="2", traits={"street": "14 Alder Row"}),
    )
    assert rows(home) == {(ALDER_ROW, "ann", "resident")}
    home.say(channel_event(user_id="ann", message_id="3", minute=1, traits={"street": None}))
    assert rows(home) == set()


MAPPED = Source(
    name=SourceName("crm"),
    channel="crm",
    workspace="shop",
    mapping=parse_mapping(
        {
            "key": "id",
            "columns": {
                "account": {"kind": "identifier", "type": "account_number", "role": "payer"},
                "firm": {"kind": "organisation", "role": "user"},
                "employer": "organisation",
            },
        }
    ),
)


def test_a_mapped_column_names_the_account_of_its_latest_row() -> None:
    home = Home(sources=(*SOURCES, MAPPED))

    def row(minute: int, **traits: str | None) -> ChannelEvent:
        return channel_event(
            source="crm",
            record=("record_id", "7"),
            message_id=f"{minute}",
            minute=minute,
            traits=traits,
        )

    home.say(row(1, account="4401", firm="ACME", employer="Elsewhere"))
    assert rows(home) == {(LEES, "7", "payer"), (ACME, "7", "user")}
    home.say(row(3, account="4402"))
    assert rows(home) == {(RAYS, "7", "payer"), (ACME, "7", "user")}
    home.say(row(2, account="4401"))
    assert rows(home) == {(RAYS, "7", "payer"), (ACME, "7", "user")}
    home.say(row(4, account=None))
    assert rows(home) == {(ACME, "7", "user")}


@pytest.mark.parametrize("from_events", [True, False])
def test_deriving_again_mends_the_index(*, from_events: bool) -> None:
    home = Home().say(channel_event(user_id="ann", traits=ADDRESS, external_ids=[NUMBER]))
    expected = rows(home)
    assert len(expected) == 2
    home.store.tables.accounts.clear()
    rederive(home.store, still_clock(), from_events=from_events)
    assert rows(home) == expected
