"""What events say of accounts, folded in any order."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from services.identity.domain.accounts import (
    ACCOUNTS_MAX,
    TRAITS_MAX,
    AccountType,
    Role,
    account_id_of,
    account_name,
    add_up,
    amount_of,
    column_word,
    memberships,
    named,
    said_role,
)
from services.identity.domain.errors import RejectedError
from services.identity.domain.events import Event, EventType, Mention, Scalar
from services.identity.domain.ids import MessageId, Micros, RecordKey, SourceName
from services.identity.domain.record import EMPTY, RecordState, check_room, fold
from services.identity.domain.stamps import Seen

LEES = account_name(AccountType.BILLING, "shop", "4401")
SHOP = account_name(AccountType.ORGANISATION, "shop", "acme")


def said(  # a builder: every part has a good default
    role: str | None = Role.USER,
    *,
    at: int = 1,
    account: str = LEES,
    name: str | None = None,
    traits: dict[str, Scalar] | None = None,
    amount: object = None,
    dated: bool = True,
    column: str | None = None,
) -> Event:
    mention = Mention(account=account, role=role, traits=traits or {})
    return Event(
        source=SourceName("web"),
        message_id=MessageId(f"m-{at}"),
        type=EventType.TRACK,
        record=RecordKey("web", "user_id", "ann"),
        occurred_at=Micros(at),
        dated=dated,
        content_hash=b"",
        name=name,
        properties={"amount": amount, "currency": "gbp"},
        mentions=() if column is not None else (mention,),
        account_columns={"account": column or None} if column is not None else {},
    )


def roles(state: RecordState) -> dict[str, dict[str, Seen]]:
    return memberships(state.accounts, state.account_columns)


def folded(events: Sequence[Event]) -> RecordState:
    """The state, the same in every order and in every grouping."""
    states = [fold(fold(EMPTY, order[:1]), order[1:]) for order in permutations(events)]
    assert all(state == states[0] for state in states)
    return states[0]


def test_roles_are_kept_with_their_times() -> None:
    state = folded([said(Role.HOLDER, at=3), said(Role.PAYER, at=2), said(Role.HOLDER, at=5)])
    assert roles(state) == {
        LEES: {
            "holder": Seen(first=Micros(3), last=Micros(5)),
            "payer": Seen(first=Micros(2), last=Micros(2)),
        }
    }


def test_a_membership_that_is_over_ends_and_may_begin_again() -> None:
    over = [said(at=1), said("none", at=2)]
    assert roles(folded(over)) == {}
    assert list(roles(folded([*over, said(Role.PAYER, at=3)]))[LEES]) == ["payer"]


def test_undated_rows_end_only_undated_memberships() -> None:
    assert roles(folded([said(dated=False), said("none", at=9, dated=False)])) == {}
    assert roles(folded([said(at=1), said("none", at=9, dated=False)]))


def test_a_mention_without_a_role_is_no_membership() -> None:
    assert roles(folded([said(None)])) == {}


def test_a_column_says_only_its_latest_account() -> None:
    other = account_name(AccountType.BILLING, "shop", "4402")
    events = [
        said(column=column_word(Role.HOLDER, LEES), at=1),
        said(column=column_word(Role.USER, other), at=2),
    ]
    assert roles(folded(events)) == {other: {"user": Seen(first=Micros(2), last=Micros(2))}}
    assert roles(folded([*events, said(column="", at=3)])) == {}


def test_traits_of_an_account_are_the_latest_and_bounded() -> None:
    state = folded(
        [said(account=SHOP, traits={"name": name}, at=at) for at, name in ((1, "a"), (2, "b"))]
    )
    assert state.accounts[SHOP].traits["name"].value == "b"
    many = [
        said(account=SHOP, at=at, traits={f"{at}-{n:03}": n for n in range(TRAITS_MAX)})
        for at in (1, 2, 3)
    ]
    assert len(folded(many).accounts[SHOP].traits) == TRAITS_MAX


def test_amounts_add_up_exactly_in_any_order() -> None:
    events = [
        said(name="Invoice Issued", amount=amount, at=at)
        for at, amount in enumerate(("0.1", 0.2, 10**15, "x", True))
    ]
    events.append(said(name="Payment Received", amount="12.50", at=9))
    found = folded(events).accounts[LEES]
    assert (found.invoiced, found.paid) == ({"GBP": "1000000000000000.3"}, {"GBP": "12.5"})


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        pytest.param("12.500", "12.5", id="trailing-zeros"),
        pytest.param(-3, "-3", id="a-credit-note"),
        pytest.param("-0.0000001", "0", id="less-than-a-millionth"),
        pytest.param("1e16", None, id="too-much"),
        pytest.param("nan", None, id="no-number"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_amounts_are_numbers_of_money(value: object, amount: str | None) -> None:
    assert amount_of(value) == amount


def test_no_amounts_add_up_to_nothing() -> None:
    assert add_up(()) == "0"


def test_a_record_names_only_so_many_accounts() -> None:
    full = fold(EMPTY, [said(account=f"billing\x1fshop\x1f{n}") for n in range(ACCOUNTS_MAX)])
    check_room(full, said(account="billing\x1fshop\x1f0"))
    with pytest.raises(RejectedError):
        check_room(full, said(account="billing\x1fshop\x1fone-more"))


def test_an_id_follows_from_the_name() -> None:
    assert account_id_of(LEES) == account_id_of(LEES) != account_id_of(SHOP)
    assert named(SHOP) == (AccountType.ORGANISATION, "shop", "acme")


def test_only_known_roles_are_roles() -> None:
    found = [said_role(each) for each in (" Payer ", "none", "resident", 5)]
    assert found == ["payer", "none", None, None]
