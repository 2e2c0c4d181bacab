"""A seed's scenario: what is said, how often, under which limits, and what goes wrong meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import msgspec

from services.identity.ports import OutgoingMessage
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.events import TOPIC, ChannelEvent
from tests.factories import EPOCH, channel_event, outgoing
from tests.property.event_strategies import EVENT_BYTES, to_crowded, to_event
from tests.simulation.stewards import commands_about, interleaved

Speaker = Callable[[int], ChannelEvent]

EMAILS = ("ann@example.org", "lee@example.org")
KINDS = ("people", "crowd", "flap", "flap", "flap")
KINDS_ON_POSTGRESQL = ("people", "crowd", "flap", "flap", "duel", "march")
TAKES = 0.7  # of all that is said; the rest changes what is compared, and no key
SPOKEN = 0.5  # of all seeds: there stewards decide, too
SURNAMES = ("Lee", "Ray", "Fox", "Kay", "Orr")
MARCHERS = 4
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
    gate: float  # somebody else locks a row for a while
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
    command_partitions: int
    holders_max: int
    units_max: int
    records_max: int
    messages_max: int
    marks_max: int
    burst_max: int  # messages that are sent at once, after a rest
    trouble_steps: int
    habits: Habits


def scenario_of(seed: int, *, on_postgresql: bool) -> Scenario:
    """The same for the same seed, always; there, two workers meet at every statement."""
    chance = Random(f"scenario {seed}")
    kind = chance.choice(KINDS_ON_POSTGRESQL if on_postgresql else KINDS)
    if kind in {"duel", "march"}:
        return _a_meeting(seed, kind, chance)
    once = tuple(_once(kind, chance, seed=seed, on_postgresql=on_postgresql))
    return Scenario(
        seed=seed,
        kind=kind,
        messages=tuple(_with_repeats(once, chance, chance.choice((0.0, 0.0, 0.3, 1.0)))),
        once=once,
        workers=2 if on_postgresql else chance.choice((1, 2, 2, 3)),
        partitions=chance.choice((1, 2, 2, 3, 4)),
        command_partitions=_command_partitions(once, seed),
        holders_max=chance.choice((1, 2, 2, 3, 4)),
        units_max=chance.choice((4, 2, 3, 100)),
        records_max=chance.choice((10_000, 10_000, 2, 4)),
        messages_max=chance.randint(1, 6),
        marks_max=chance.choice((1, 2, 3, 4, 1_000) if on_postgresql else (1_000, 1_000, 1, 3, 5)),
        burst_max=4,
        trouble_steps=chance.choice((2_000, 3_000) if on_postgresql else (500, 1_000)),
        habits=_habits(chance, on_postgresql=on_postgresql),
    )


def _a_meeting(seed: int, kind: str, chance: Random) -> Scenario:
    """Nothing fails, but two workers meet all the time, over one key or over many records."""
    once = tuple(_once(kind, chance, seed=seed, on_postgresql=True))
    is_duel = kind == "duel"
    return Scenario(
        seed=seed,
        kind=kind,
        messages=tuple(_with_repeats(once, chance, 1.0)),
        once=once,
        workers=2,
        partitions=2,
        command_partitions=_command_partitions(once, seed),
        holders_max=3,
        units_max=4,
        records_max=10_000,
        messages_max=chance.randint(1, 4) if is_duel else 20,
        marks_max=chance.choice((1, 1, 2)) if is_duel else 1_000,
        burst_max=4 if is_duel else 30,
        trouble_steps=4_000,
        habits=Habits(
            crash=0.0,
            fail=0.0,
            restart=0.0,
            rebalance=0.0 if is_duel else 0.02,
            displace=0.0,
            ambush=0.03 if is_duel else 0.02,
            gate=0.0 if is_duel else 0.2,
            switch=0.01 if is_duel else 0.2,
        ),
    )


def _habits(chance: Random, *, on_postgresql: bool) -> Habits:
    if on_postgresql:  # less fails, so that more is met
        return Habits(
            crash=chance.choice((0.0, 0.0, 0.0005, 0.002)),
            fail=chance.choice((0.0, 0.0, 0.0005, 0.002)),
            restart=chance.choice((0.0, 0.0, 0.002)),
            rebalance=chance.choice((0.0, 0.005, 0.02)),
            displace=chance.choice((0.0, 0.0, 0.005)),
            ambush=chance.choice((0.005, 0.01, 0.02)),
            gate=chance.choice((0.0, 0.0, 0.02)),
            switch=chance.choice((0.01, 0.03, 0.2, 0.7)),
        )
    return Habits(
        crash=chance.choice((0.0, 0.001, 0.004, 0.01)),
        fail=chance.choice((0.0, 0.001, 0.004, 0.01)),
        restart=chance.choice((0.0, 0.0, 0.004, 0.02)),
        rebalance=chance.choice((0.0, 0.005, 0.02, 0.05)),
        displace=chance.choice((0.0, 0.0, 0.005, 0.02)),
        ambush=0.0,
        gate=0.0,
        switch=chance.choice((0.01, 0.05, 0.2, 0.7)),
    )


def _command_partitions(messages: Sequence[OutgoingMessage], seed: int) -> int:
    """None where no steward says anything: then nothing is chosen among them, either."""
    is_said = any(message.topic == IDENTITY_COMMANDS for message in messages)
    return 1 + seed % 2 if is_said else 0


def _once(
    kind: str, chance: Random, *, seed: int, on_postgresql: bool
) -> Sequence[OutgoingMessage]:
    count = chance.choice((24, 40, 60) if on_postgresql else (8, 16, 24, 32))
    count *= 2 if kind in {"duel", "march"} else 1
    speak = _SPEAKERS[kind](chance)
    events: list[ChannelEvent] = [speak(number) for number in range(count)]
    strangers = _people(chance)
    for _ in range(chance.randint(0, 4)):
        events.append(_copy(chance.choice(events), strangers(0), chance))
    found = {message.value: message for message in map(outgoing, events)}
    poison = chance.sample(POISON, chance.choice((0, 0, 1, 2)))
    found |= {body: OutgoingMessage(topic=TOPIC, key=b"poison", value=body) for body in poison}
    messages = list(found.values())
    if kind not in {"flap", "duel"}:  # their events mean something in this order
        chance.shuffle(messages)
    stewards = Random(f"stewards {seed}")  # of their own: who hears them says what it said before
    if stewards.random() < SPOKEN:
        messages = list(interleaved(messages, commands_about(events, stewards), stewards))
    return messages


def _people(chance: Random) -> Speaker:
    return lambda _: to_event(chance.randbytes(EVENT_BYTES))


def _crowd(chance: Random) -> Speaker:
    return lambda _: to_crowded(chance.randbytes(EVENT_BYTES))


def _flappers(chance: Random) -> Speaker:
    """Few people who take values and let go of them again: edges come and go, keys cross limits.

    No word repeats the last one; all that two of them ever share is an address, and in some seeds
    the surname, too.
    """
    people = chance.choice((2, 2, 3, 3, 4, 5))
    sources = chance.choice((("web",), ("web",), ("web", "app")))
    emails = (None, *chance.choice((EMAILS[:1], EMAILS[:1], EMAILS)))
    surnames = chance.choice((SURNAMES, SURNAMES, SURNAMES[:1]))
    # Two users are never one person: there edges come and go, and people stay apart.
    own = chance.choice(("user_id", "anonymous_id", "anonymous_id"))
    said: dict[tuple[str, int], str | None] = {}

    def speak(number: int) -> ChannelEvent:
        who, source = chance.randrange(people), chance.choice(sources)
        last = said.get((source, who))
        if chance.random() < TAKES or (source, who) not in said:
            last = said[source, who] = chance.choice([each for each in emails if each != last])
        event = channel_event(
            source=source,
            user_id=f"u{who}" if own == "user_id" else None,
            anonymous_id=f"a{who}" if own == "anonymous_id" else None,
            message_id=f"m{number}",
            traits={
                "firstName": "Ann",
                "lastName": surnames[who % len(surnames)],
                "plan": f"p{number}",
                "email": last,
            },
        )
        return msgspec.structs.replace(event, time=EPOCH + timedelta(minutes=number))

    return speak


def _duellists(chance: Random) -> Speaker:
    """Two hold one key and change what is compared; the third takes it and lets go of it."""
    holds = {"b": False}

    def speak(number: int) -> ChannelEvent:
        who = "b" if number % 2 else chance.choice("ac")
        if who == "b":
            holds["b"] = not holds["b"]
        event = channel_event(
            anonymous_id=who,
            message_id=f"m{number}",
            traits={
                "firstName": "Ann",
                "lastName": {"a": "Lee", "b": "Ray", "c": "Fox"}[who],
                "plan": f"p{chance.randrange(100)}",
                "email": EMAILS[0] if holds.get(who, True) else None,
            },
        )
        return msgspec.structs.replace(event, time=EPOCH + timedelta(minutes=number))

    return speak


def _marchers(chance: Random) -> Speaker:
    """Records of which no two share anything: every batch locks many, and many components."""

    def speak(number: int) -> ChannelEvent:
        who = chance.randrange(MARCHERS)
        event = channel_event(
            anonymous_id=f"a{who}",
            message_id=f"m{number}",
            traits={"email": f"{who}@example.org", "plan": f"p{chance.randrange(100)}"},
        )
        return msgspec.structs.replace(event, time=EPOCH + timedelta(minutes=number))

    return speak


_SPEAKERS: dict[str, Callable[[Random], Speaker]] = {
    "people": _people,
    "crowd": _crowd,
    "flap": _flappers,
    "duel": _duellists,
    "march": _marchers,
}


def _copy(event: ChannelEvent, other: ChannelEvent, chance: Random) -> ChannelEvent:
    """The same message id with another time or content: the smaller of the two is to count."""
    minutes = chance.choice((-1, 0, 1))
    data = other.data if chance.randrange(2) else event.data
    return msgspec.structs.replace(event, time=event.time + timedelta(minutes=minutes), data=data)


def _with_repeats(
    once: Sequence[OutgoingMessage], chance: Random, strays: float
) -> Sequence[OutgoingMessage]:
    """Some come again, soon or late. Strays stand in another partition, as a redrive may."""
    messages = [_stray(message, chance, strays) for message in once]
    for place, message in enumerate(once):
        if chance.randrange(4) == 0:
            messages.insert(
                chance.randint(place, len(messages)), _stray(message, chance, max(strays, 0.5))
            )
    return messages


def _stray(message: OutgoingMessage, chance: Random, likely: float) -> OutgoingMessage:
    return replace(message, key=chance.randbytes(2)) if chance.random() < likely else message
