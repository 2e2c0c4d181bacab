"""The golden record of some records; their order is nothing."""

from itertools import permutations

from services.identity.domain.ids import Micros, ProfileId, RecordKey
from services.identity.domain.record import (
    ConsentState,
    Counted,
    HoldingState,
    RecordState,
)
from services.identity.domain.stamps import Seen, Stamped
from services.identity.domain.survivorship import Survivorship
from services.resolver.resolve.profiles import IDENTITIES_SHOWN_MAX, Member, build_profile

MAIL = "email\x1f*\x1fann@example.org"


def a_member(key: str, *, source: str = "web", trust: int = 0, **state: object) -> Member:
    return Member(
        key=RecordKey(source, "user_id", key),
        state=RecordState(events=1, **state),  # type: ignore[arg-type]  # parts named by the case
        trust=trust,
    )


def consent(*, granted: bool, at: int, by: str = "m") -> dict[str, ConsentState]:
    said = ConsentState(
        purpose="offers", channel="*", granted=granted, basis=None, proof=None, at=Micros(at), by=by
    )
    return {"offers\x1f*": said}


def holding(*, active: bool, at: int) -> dict[str, HoldingState]:
    held = HoldingState(
        product="fibre",
        active=active,
        line_of_business=None,
        price=None,
        currency=None,
        held_from=None,
        held_to=None,
        at=Micros(at),
        by="m",
    )
    return {"fibre": held}


def built(*members: Member) -> object:
    return build_profile(ProfileId("p"), members, Survivorship(), confidence=1.0)


def test_no_order_of_records_changes_a_profile() -> None:
    city = {"city": Stamped(value="York", at=Micros(1), by="m", dated=True)}
    other = {"city": Stamped(value="Leeds", at=Micros(1), by="m", dated=True)}
    members = [
        a_member("a", fields=city, consents=consent(granted=True, at=1), dated_from=Micros(3)),
        a_member("b", fields=other, consents=consent(granted=False, at=1), dated_to=Micros(9)),
        a_member("c", fields=city, holdings=holding(active=True, at=1)),
    ]
    first = built(*members)
    assert all(built(*order) == first for order in permutations(members))


def test_at_equal_time_the_restrictive_word_of_two_records_holds() -> None:
    members = [
        a_member("a", consents=consent(granted=True, at=1, by="z")),
        a_member("b", consents=consent(granted=False, at=1, by="a")),
    ]
    profile = build_profile(ProfileId("p"), members, Survivorship(), confidence=1.0)
    assert [said.granted for said in profile.consents] == [False]


def test_two_accounts_may_hold_one_product() -> None:
    members = [
        a_member("a", holdings=holding(active=True, at=1)),
        a_member("b", holdings=holding(active=False, at=2)),
    ]
    profile = build_profile(ProfileId("p"), members, Survivorship(), confidence=1.0)
    assert [held.active for held in profile.holdings] == [True, False]


def test_what_was_counted_and_seen_adds_up() -> None:
    members = [
        a_member(
            "a",
            counts={"page": Counted(count=2, first=Micros(1), last=Micros(4))},
            identifiers={MAIL: Seen(first=Micros(2), last=Micros(3))},
            dated_from=Micros(1),
            dated_to=Micros(4),
        ),
        a_member(
            "b",
            source="app",
            counts={"page": Counted(count=1, first=Micros(0), last=Micros(2))},
            identifiers={MAIL: Seen(first=None, last=None)},
        ),
    ]
    profile = build_profile(ProfileId("p"), members, Survivorship(), confidence=1.0)
    assert (profile.events["page"].count, profile.events["page"].first) == (3, 0)
    (mail,) = profile.identities
    assert (mail.sources, mail.first_seen, mail.last_seen) == (("app", "web"), 2, 3)
    assert (profile.first_seen, profile.last_seen) == (1, 4)


def test_a_cleared_field_is_not_shown() -> None:
    cleared = {"city": Stamped(value=None, at=Micros(1), by="m", dated=True)}
    profile = build_profile(
        ProfileId("p"), [a_member("a", fields=cleared)], Survivorship(), confidence=1.0
    )
    assert profile.fields == {}


def test_only_so_many_identifiers_are_shown() -> None:
    many = {
        f"device_id\x1fshop\x1f{n}": Seen(first=None, last=None)
        for n in range(IDENTITIES_SHOWN_MAX + 1)
    }
    profile = build_profile(
        ProfileId("p"), [a_member("a", identifiers=many)], Survivorship(), confidence=1.0
    )
    assert len(profile.identities) == IDENTITIES_SHOWN_MAX
