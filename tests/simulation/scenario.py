"""A seed's scenario: what is said, how often, under which limits, and what goes wrong meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import msgspec

from services.identity.ports import OutgoingMessage
from services.identity.wire.events import TOPIC, ChannelEvent
from tests.factories import EPOCH, channel_event, outgoing
from tests.property.event_strategies import EVENT_BYTES, to_crowded, to_event

POISON = (b"{", b'"no event"', b'{"source": "nobody"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How likely each thing is at one step, while there is trouble; all are zero in some seeds."""

    crash: float
    fail: float
    restart: float
    rebalance: float
    displace: float  # a reader is put back
    ambush: float  # a worker sleeps at a step until others have committed
    switch: float  # another worker has its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`messages` in the order of their appending, repeats included; `once` each but once."""

    seed: int
    kind: str
    messages: tuple[OutgoingMessage, ...]
    once: tuple[OutgoingMessage, ...]
    workers: int
    partitions: int
    holders_max: int
    units_max: int
    records_max: int
    messages_max: int
    marks_max: int
    trouble_steps: int
    habits: Habits


def scenario_of(seed: int, *, on_postgresql: bool) -> Scenario:
    """The same for the same seed, always; there, two workers meet at every statement."""
    chance = Random(f"scenario {seed}")
    kind = chance.choice(("people", "people", "crowd", "flap", "flap"))
    once = tuple(_once(kind, chance, on_postgresql=on_postgresql))
    return Scenario(
        seed=seed,
        kind=kind,
        messages=tuple(_with_repeats(once, chance)),
        once=once,
        workers=2 if on_postgresql else chance.choice((1, 2, 2, 3)),
        partitions=chance.choice((1, 2, 2, 3, 4)),
        holders_max=chance.choice((1, 2, 2, 3, 4)),
        units_max=chance.choice((4, 2, 3, 100)),
        records_max=chance.choice((10_000, 10_000, 2, 4)),
        messages_max=chance.randint(1, 6),
        marks_max=chance.choice((1_000, 1_000, 1, 3, 5)),
        trouble_steps=chance.choice((300, 500, 800)),
        habits=_habits(chance, on_postgresql=on_postgresql),
    )


def _habits(chance: Random, *, on_postgresql: bool) -> Habits:
    return Habits(
        crash=chance.choice((0.0, 0.001, 0.004, 0.01)),
        fail=chance.choice((0.0, 0.001, 0.004, 0.01)),
        restart=chance.choice((0.0, 0.0, 0.004, 0.02)),
        rebalance=chance.choice((0.0, 0.005, 0.02, 0.05)),
        displace=chance.choice((0.0, 0.0, 0.005, 0.02)),
        ambush=chance.choice((0.0, 0.02, 0.05, 0.1)) if on_postgresql else 0.0,
        switch=chance.choice((0.01, 0.05, 0.2, 0.7)),
    )


def _once(kind: str, chance: Random, *, on_postgresql: bool) -> Sequence[OutgoingMessage]:
    count = chance.choice((10, 16, 22) if on_postgresql else (8, 16, 24, 32))
    events: list[ChannelEvent] = [_EVENTS[kind](chance, number) for number in range(count)]
    events.extend(_copy(chance.choice(events), chance) for _ in range(chance.randint(0, 4)))
    found = {message.value: message for message in map(outgoing, events)}
    poison = chance.sample(POISON, chance.choice((0, 0, 1, 2)))
    found |= {body: OutgoingMessage(topic=TOPIC, key=b"poison", value=body) for body in poison}
    messages = list(found.values())
    if kind != "flap":  # its events mean something in their order
        chance.shuffle(messages)
    return messages


def _person(chance: Random, number: int) -> ChannelEvent:
    del number
    return to_event(chance.randbytes(EVENT_BYTES))


def _one_of_a_crowd(chance: Random, number: int) -> ChannelEvent:
    del number
    return to_crowded(chance.randbytes(EVENT_BYTES))


def _flapping(chance: Random, number: int) -> ChannelEvent:
    """Few people who take values and let go of them again: edges come and go, keys cross limits."""
    event = channel_event(
        source=chance.choice(("web", "app")),
        user_id=f"u{chance.randint(1, 3)}",
        message_id=f"m{number}",
        traits={
            "firstName": chance.choice(("Ann", "Ann", "Anne")),
            "lastName": chance.choice(("Lee", "Ray")),
            "email": chance.choice(("ann@example.org", "ann@example.org", None)),
        },
    )
    return msgspec.structs.replace(event, time=EPOCH + timedelta(minutes=number))


_EVENTS: dict[str, Callable[[Random, int], ChannelEvent]] = {
    "people": _person,
    "crowd": _one_of_a_crowd,
    "flap": _flapping,
}


def _copy(event: ChannelEvent, chance: Random) -> ChannelEvent:
    """The same message id with another time or content: the smaller of the two is to count."""
    minutes = chance.choice((-1, 0, 1))
    other = _EVENTS[chance.choice(("people", "flap"))](chance, 0)
    data = other.data if chance.randrange(2) else event.data
    return msgspec.structs.replace(event, time=event.time + timedelta(minutes=minutes), data=data)


def _with_repeats(once: Sequence[OutgoingMessage], chance: Random) -> Sequence[OutgoingMessage]:
    """Some come again, soon or late; some of these in another partition, as a redrive may."""
    messages = list(once)
    for message in once:
        if chance.randrange(4) == 0:
            again = message
            if chance.randrange(2):
                again = replace(message, key=b"again" + chance.randbytes(1))
            messages.insert(chance.randint(messages.index(message), len(messages)), again)
    return messages
