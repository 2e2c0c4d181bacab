"""Random events from small pools, so that ties, duplicates and crowds happen all the time.

An event is drawn as a few bytes, a byte a choice: cheap to draw, and all zeros is the plainest one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.merge_policy import MODEL_ALONE, MergePolicy
from services.identity.domain.steward import Decision, Verdict, Withdrawal
from services.identity.domain.value_word import ValueVerdict, ValueWord
from services.identity.wire.commands import decide, mark_value, withdraw
from services.identity.wire.events import ChannelEvent, RecordRef
from tests.factories import EPOCH, channel_event
from tests.property.order_world import Phase, Said, Schedule

T = TypeVar("T")

SOURCES = ("web", "web", "web", "app", "billing", "billing")
USER_IDS = (None, None, "u1", "u2", "u3")
ANONYMOUS_IDS = (None, "a1", "a2", "a3")
ACCOUNTS = ("4401", "4402")
MESSAGE_IDS = tuple(f"m{number}" for number in range(9))
KINDS = (
    "identify", "identify", "identify", "page", "Product Held", "Product Ended", "Consent", "group",
    "Payment Received", "Invoice Issued",
)  # fmt: skip
GROUPS = ("g1", "g2")
ROLES = (None, None, "holder", "none", "chief")
MINUTES = (0, 1, 2)
TRAITS: Mapping[str, Sequence[Any]] = {
    "firstName": ("Ann", "Ann", "Anne", "Bob", None),
    "lastName": ("Lee", "Lee", "Ray", None),
    "email": ("ann@example.org", "lee@example.org", None),
    "phone": ("+44 20 7946 0958", None),
    "birthday": ("1980-02-03", "1980-02-03", "1990-05-06", None),
    "suffix": ("jr", "sr"),
    "street": ("14 Alder Row", "14 Alder Row", "3 Quarry Lane", None),
    "postalCode": ("LS7 3QT", "LS7 3QT", None),
    "plan": ("gold", 1, True, 1.0),  # equal to Python, not to a comparison
}
IDENTIFIERS = (
    ("crm_id", "c1"), ("crm_id", "c2"), ("account_number", "4401"), ("user_id", "u1"),
    ("user_id", "u2"), ("email", "ann@example.org"), ("device_id", "d1"),
)  # fmt: skip
EVENT_BYTES = 30
COPY_BYTES = 5
SCHEDULE_BYTES = 80


DECIDED = (
    *(RecordKey(source, "user_id", user) for source in ("web", "billing") for user in ("u1", "u2")),
    *(RecordKey("web", "anonymous_id", each) for each in ("a1", "a2")),
    RecordKey("billing", "account_number", "4401"),
    RecordKey("app", "user_id", "u1"),
    RecordKey("web", "user_id", "nobody"),
)
COMMAND_BYTES = 12
SPOKEN_OF = (
    ("email", "*", "ann@example.org"),
    ("user_id", "shop", "u1"),
    ("crm_id", "shop", "c1"),
    ("anonymous_id", "shop", "a1"),
)


CROWD_TRAITS: Mapping[str, Sequence[Any]] = {
    "lastName": ("Lee", "Lee", "Lee", "Ray", None),
    "email": (None, None, None, "ann@example.org", "lee@example.org"),
    "plan": ("gold", 1, True, 1.0),
}


class Choices:
    """Bytes as choices. When they run out, every further choice is the first option."""

    def __init__(self, raw: bytes) -> None:
        self._raw = iter(raw)

    def pick(self, options: Sequence[T]) -> T:
        return options[next(self._raw, 0) % len(options)]

    def one_in(self, count: int) -> bool:
        return next(self._raw, 0) % count == count - 1

    def number(self, most: int) -> int:
        return next(self._raw, 0) % (most + 1)


def to_event(raw: bytes) -> ChannelEvent:
    choose = Choices(raw)
    source, kind = choose.pick(SOURCES), choose.pick(KINDS)
    is_track = kind not in {"identify", "page", "group"}
    event = channel_event(
        source=source,
        message_id=choose.pick(MESSAGE_IDS),
        user_id=choose.pick(USER_IDS),
        anonymous_id=choose.pick(ANONYMOUS_IDS),
        kind="track" if is_track else kind,
        event="Consent Changed" if kind == "Consent" else kind if is_track else None,
        external_ids=[choose.pick(IDENTIFIERS)] if choose.one_in(4) else [],
        dated=not choose.one_in(5),
    )
    changes: dict[str, Any] = {}
    if event.data.user_id is None and event.data.anonymous_id is None:
        changes["record"] = RecordRef("account_number", choose.pick(ACCOUNTS))
    elif choose.one_in(6):
        changes["previous_id"] = choose.pick(ANONYMOUS_IDS)
    time = EPOCH + timedelta(minutes=choose.pick(MINUTES))
    if kind == "identify":
        changes["traits"] = _traits(choose)
    elif kind == "group":
        changes["group_id"] = choose.pick(GROUPS)
        changes["traits"] = {"name": choose.pick(("Lees", "Rays")), "role": choose.pick(ROLES)}
    elif is_track:
        changes["properties"] = _properties(choose, kind)
    if choose.one_in(8):
        changes["context"] = {"traits": _traits(choose)}
    return msgspec.structs.replace(
        event, time=time, data=msgspec.structs.replace(event.data, **changes)
    )


def to_crowded(raw: bytes) -> ChannelEvent:
    """An event of many people who share few values, and change them: keys fill and empty."""
    choose = Choices(raw)
    event = channel_event(
        source=choose.pick(("web", "app")),
        message_id=choose.pick([f"m{number}" for number in range(40)]),
        user_id=choose.pick([f"u{number}" for number in range(6)]),
        traits={
            "firstName": "Ann",
            **{name: choose.pick(values) for name, values in CROWD_TRAITS.items()},
        },
    )
    return msgspec.structs.replace(event, time=EPOCH + timedelta(minutes=choose.number(5)))


def _traits(choose: Choices) -> dict[str, Any]:
    """Half of all traits are said."""
    return {name: choose.pick(values) for name, values in TRAITS.items() if choose.one_in(2)}


def _properties(choose: Choices, kind: str) -> dict[str, Any]:
    if kind == "Consent":
        return {
            "purpose": "offers",
            "channel": choose.pick(("email", "email", None)),
            "granted": choose.one_in(2),
            "basis": choose.pick(("contract", "consent")),
        }
    if kind in {"Payment Received", "Invoice Issued"}:
        amount = choose.pick((10, "0.1", 0.2, "1e30"))
        return {"amount": amount, "currency": "GBP", "role": choose.pick(ROLES)}
    price = choose.pick((10, 12.5, "x"))
    return {"product": choose.pick(("fibre", "mobile")), "price": price}


def to_commands(
    drawn: Sequence[bytes], *, records: Sequence[RecordKey] = DECIDED
) -> list[Decision | Withdrawal]:
    """Decisions about few records, many against each other, some of them withdrawn."""
    result: list[Decision | Withdrawal] = []
    for raw in drawn:
        choose = Choices(raw)
        keys = list(dict.fromkeys(choose.pick(records) for _ in range(4)))
        if len(keys) < 2:
            continue
        cut = 1 + choose.number(len(keys) - 2)
        at = Micros(choose.number(2))
        verdict = choose.pick(tuple(Verdict))
        word = decide(verdict, keys[:cut], keys[cut:], decided_at=at, by="s", reason="seen")
        result.append(word)
        if choose.one_in(3):
            result.append(withdraw(word.id, decided_at=at, by="s", reason="a mistake"))
    return result


def to_words(
    drawn: Sequence[bytes], *, values: Sequence[tuple[str, str, str]] = SPOKEN_OF
) -> list[ValueWord]:
    """Of few values, some of them spoken of again."""
    result: list[ValueWord] = []
    for raw in drawn:
        choose = Choices(raw)
        value, verdict = choose.pick(values), choose.pick(tuple(ValueVerdict))
        at = Micros(choose.number(2))
        result.append(mark_value(value, verdict, decided_at=at, by="s", reason="seen"))
    return result


def _with_copies(drawn: Sequence[bytes]) -> list[bytes]:
    """A third of the events repeat an earlier one, with one of its choices made otherwise.

    A quarter is left out, and so is what shrinks to zeros.
    """
    result: list[bytes] = []
    for raw in drawn:
        choose = Choices(raw[EVENT_BYTES:])
        if choose.number(3) == 0:
            continue
        event = bytearray(raw[:EVENT_BYTES])
        if choose.one_in(3) and result:
            event = bytearray(choose.pick(result))
            event[choose.number(EVENT_BYTES - 1)] = choose.number(255)
        result.append(bytes(event))
    return result


def to_schedule(raw: bytes, count: int) -> Schedule:
    """Every event at least once, in any order; read in any batches, by workers that die."""
    if not count:
        return Schedule(order=())
    choose = Choices(raw)
    phases = tuple(_phase(choose) for _ in range(choose.number(4)))
    partitions = 1 + choose.number(1)
    again = [choose.number(count - 1) for _ in range(choose.number(4))]
    copies = [*range(count), *again]
    places = {place: choose.number(255) for place in range(len(copies))}
    order = sorted(places, key=lambda place: (places[place], place))
    return Schedule(
        order=tuple(copies[place] for place in order),
        phases=phases,
        partitions=partitions,
        holders_max=choose.pick((3, 1, 2, 2, 4)),
        units_max=choose.pick((4, 2, 3, 100)),
        records_max=choose.pick((10_000, 10_000, 2, 4)),
        profile_max=choose.pick((1_000, 2, 3, 5)),
        burden_max=choose.pick((30_000, 1, 4, 8)),
    )


POLICIES = (
    MODEL_ALONE,
    MergePolicy(personal_fields_min=4),
    MergePolicy(confidence_min=0.999999, personal_fields_min=3),
)


@st.composite
def decided_cases(draw: st.DrawFn) -> tuple[list[Said], Schedule]:
    """Events and what stewards say of their records, shuffled together."""
    one = st.binary(min_size=EVENT_BYTES + COPY_BYTES, max_size=EVENT_BYTES + COPY_BYTES)
    events = [to_event(raw) for raw in _with_copies(draw(st.lists(one, min_size=12, max_size=12)))]
    command = st.binary(min_size=COMMAND_BYTES, max_size=COMMAND_BYTES)
    said: list[Said] = [*events, *to_commands(draw(st.lists(command, min_size=1, max_size=5)))]
    said += to_words(draw(st.lists(st.binary(min_size=4, max_size=4), max_size=3)))
    schedule = to_schedule(draw(st.binary(min_size=SCHEDULE_BYTES, max_size=80)), len(said))
    steps = draw(st.lists(st.sampled_from(("LRLR", "LR", "lLRr", "LLr", "L")), max_size=6))
    phases = tuple(Phase(steps=each, marks_max=draw(st.sampled_from((1_000, 1)))) for each in steps)
    blast_max = draw(st.sampled_from((50, 1)))  # 1: whatever joins two and two is held
    policy = draw(st.sampled_from(POLICIES))
    schedule = replace(schedule, phases=phases, in_portions=True)
    return said, replace(schedule, blast_max=blast_max, policy=policy)


def _phase(choose: Choices) -> Phase:
    return Phase(
        messages_max=1 + choose.number(5),
        marks_max=choose.pick((1_000, 1_000, 1, 3, 5)),
        steps="".join(choose.pick("LRLRLRLRlr") for _ in range(choose.number(12))),
    )


def case_of(seed: int) -> tuple[list[ChannelEvent], Schedule]:
    """The same kind of case from a number: what a long run found can be kept by its seed."""
    chance = random.Random(seed)
    count = chance.choice((8, 20, 40))
    drawn = [chance.randbytes(EVENT_BYTES + COPY_BYTES) for _ in range(count)]
    said = [to_event(raw) for raw in _with_copies(drawn)]
    return said, to_schedule(chance.randbytes(200), len(said))


@st.composite
def cases(draw: st.DrawFn, *, events_max: int = 20) -> tuple[list[ChannelEvent], Schedule]:
    one = st.binary(min_size=EVENT_BYTES + COPY_BYTES, max_size=EVENT_BYTES + COPY_BYTES)
    drawn = draw(st.lists(one, min_size=events_max, max_size=events_max))
    said = [to_event(raw) for raw in _with_copies(drawn)]
    raw = draw(st.binary(min_size=SCHEDULE_BYTES, max_size=SCHEDULE_BYTES))
    return said, to_schedule(raw, len(said))


@st.composite
def crowds(draw: st.DrawFn, *, events_max: int = 16) -> tuple[list[ChannelEvent], Schedule]:
    """People who share few values, resolved after every few events: limits are crossed often."""
    one = st.binary(min_size=EVENT_BYTES + COPY_BYTES, max_size=EVENT_BYTES + COPY_BYTES)
    drawn = draw(st.lists(one, min_size=events_max, max_size=events_max))
    said = [to_crowded(raw) for raw in _with_copies(drawn)]
    raw = draw(st.binary(min_size=SCHEDULE_BYTES, max_size=SCHEDULE_BYTES))
    phase = Phase(messages_max=draw(st.integers(1, 3)), steps="LR" * events_max)
    return said, replace(to_schedule(raw, len(said)), phases=(phase,))
