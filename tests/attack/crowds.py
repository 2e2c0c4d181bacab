"""Crowds: what hostile, broken or merely unlucky senders say. Invented people, made by number."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from services.identity.wire.events import ChannelEvent
from tests.factories import channel_event

_ONSETS = ("B", "D", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "V", "W", "Z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo")
_ENDS = ("l", "n", "r", "s", "t", "x", "nd", "rk")
_SYLLABLES = len(_ONSETS) * len(_VOWELS) * len(_ENDS)
Said = dict[str, Any]


def word(number: int) -> str:
    """A pronounceable word of its own for each number."""
    text = ""
    for _ in range(2):
        number, place = divmod(number * 7 + 3, _SYLLABLES)
        onset, rest = divmod(place, len(_VOWELS) * len(_ENDS))
        text += _ONSETS[onset] + _VOWELS[rest // len(_ENDS)] + _ENDS[rest % len(_ENDS)]
    return text.capitalize() + (word(number - 1).lower() if number else "")


def phone(number: int) -> str:
    return f"+4420{79_460_000 + number * 7_919 % 20_000_000:08d}"


def birthday(number: int) -> str:
    return f"{1930 + number * 13 % 80}-{number * 7 % 12 + 1:02d}-{number * 17 % 28 + 1:02d}"


def stranger(number: int) -> Said:
    """Someone who shares nothing with the next one."""
    return {
        "firstName": word(number * 31 + 7),
        "lastName": word(number * 17 + 5),
        "birthday": birthday(number),
        "email": f"{word(number * 11)}.{number}@example.org".lower(),
        "phone": phone(number),
        "street": f"{number % 190 + 1} {word(number * 23 + 1)} Street",
        "city": word(number % 90),
        "postalCode": f"{'ABCDEFGHLMNPRSTW'[number % 16]}{number % 97 + 1} {number % 9 + 1}AB",
    }


SHARED: Said = {
    "firstName": "Margaret", "lastName": "Whitfield", "birthday": "1951-03-14",
    "email": "info@example.org", "phone": "+441134960123", "street": "14 Alder Row",
    "city": "Leeds", "postalCode": "LS7 3QT",
}  # fmt: skip
NAME = ("firstName", "lastName")
ADDRESS = ("street", "city", "postalCode")


def sharing(*fields: str) -> Callable[[int], Said]:
    return lambda number: stranger(number) | {name: SHARED[name] for name in fields}


def chained(*fields: str) -> Callable[[int], Said]:
    """Each shares the fields with the one before and an e-mail with the one after, by turns."""

    def say(number: int) -> Said:
        before, after = (number // 2, -1), ((number + 1) // 2, 1)
        own = stranger(number)
        linked = {name: stranger(before[0] * 2)[name] for name in fields}
        return own | linked | {"email": f"link-{after[0]}@example.org"}

    return say


def bare_chained(number: int) -> Said:
    """Nothing but a phone and an e-mail, one shared with each neighbour."""
    return {"phone": phone(number // 2), "email": f"link-{(number + 1) // 2}@example.org"}


CROWDS: Mapping[str, Callable[[int], Said]] = MappingProxyType(
    {
        "a phone": sharing("phone"),
        "an e-mail": sharing("email"),
        "a name": sharing(*NAME),
        "a birth date": sharing("birthday"),
        "an address": sharing(*ADDRESS),
        "a name and a birth date": sharing(*NAME, "birthday"),
        "everything": sharing(*SHARED),
        "chains of phones": chained("phone"),
        "chains of names": chained(*NAME),
        "chains of birth dates": chained("birthday"),
        "chains of everything": chained(*NAME, "birthday", "phone"),
        "chains of phones alone": bare_chained,
    }
)
"""What the records of a crowd say."""

TIED: Mapping[str, Callable[[int], tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "a decisive identifier": lambda _: (("crm_id", "c-0"),),
        "chains of a decisive identifier": lambda n: (
            ("crm_id", f"c-{n}"),
            ("crm_id", f"c-{n + 1}"),
        ),
        "chains of devices": lambda n: (("anonymous_id", f"d-{n}"), ("anonymous_id", f"d-{n + 1}")),
    }
)
"""The identifiers of a crowd whose records say nothing else, or what strangers say."""


def crowd(name: str, count: int) -> Iterator[ChannelEvent]:
    """The events of a crowd, one a record."""
    for number in range(count):
        ids = TIED[name](number) if name in TIED else ()
        traits = CROWDS[name](number) if name in CROWDS else {}
        yield channel_event(
            source="calls",
            record=("contact_id", f"k-{number}"),
            message_id=f"m-{number}",
            minute=number,
            traits=traits,
            external_ids=ids,
        )
