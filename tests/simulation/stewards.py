"""What stewards say in a scenario: who is one person or two, what is taken back, what ties."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import Decision, Verdict
from services.identity.ports import OutgoingMessage
from services.identity.wire.commands import IDENTITY_COMMANDS, decide
from services.identity.wire.commands import outgoing as commanded
from services.identity.wire.events import ChannelEvent
from tests.property.event_strategies import COMMAND_BYTES, SPOKEN_OF, to_commands, to_words

DECISIONS_MAX = 5
WORDS_MAX = 4
WORD_BYTES = 3
VALUES = (*SPOKEN_OF, ("email", "*", "lee@example.org"), ("user_id", "shop", "u2"))
NOBODY = RecordKey("web", "user_id", "nobody")
BROKEN = OutgoingMessage(topic=IDENTITY_COMMANDS, key=b"poison", value=b"[")


def commands_about(events: Sequence[ChannelEvent], chance: Random) -> Sequence[OutgoingMessage]:
    """Each once, in any order. Many speak against each other, and some of what is not there."""
    refs = {(event.source, event.data.record.kind, event.data.record.key) for event in events}
    records = [*(RecordKey(*ref) for ref in sorted(refs)), NOBODY]
    decided = [chance.randbytes(COMMAND_BYTES) for _ in range(chance.randint(1, DECISIONS_MAX))]
    spoken = [chance.randbytes(WORD_BYTES) for _ in range(chance.randint(0, WORDS_MAX))]
    said = [
        *_of_two(records, chance),
        *to_commands(decided, records=records),
        *to_words(spoken, values=VALUES),
    ]
    found = {message.value: message for message in map(commanded, said)}
    if found and chance.randrange(4) == 0:
        forged = _forged(chance.choice(sorted(found.values(), key=_text)))
        found |= {forged.value: forged, BROKEN.value: BROKEN}
    messages = list(found.values())
    chance.shuffle(messages)
    return messages


def _of_two(records: Sequence[RecordKey], chance: Random) -> Iterator[Decision]:
    """Plain words: each of two records and an instant of its own, so that most of them hold."""
    for number in range(chance.randint(0, DECISIONS_MAX)):
        one, other = chance.sample(records, 2)
        verdict, at = chance.choice(tuple(Verdict)), Micros(10 + number)
        yield decide(verdict, [one], [other], decided_at=at, by="s", reason="seen")


def _forged(message: OutgoingMessage) -> OutgoingMessage:
    """Another content under an id that is taken."""
    return replace(message, value=(message.value or b"").replace(b'"by":"s"', b'"by":"t"'))


def _text(message: OutgoingMessage) -> bytes:
    return message.value or b""


def interleaved(
    messages: Sequence[OutgoingMessage], others: Sequence[OutgoingMessage], chance: Random
) -> Sequence[OutgoingMessage]:
    """Both, each in its own order: the others among them, before all or after all.

    What is said first speaks of records that are not there yet, and of what is said last no later
    event mends what was missed.
    """
    result = list(messages)
    first, last = chance.choice(((0, len(result)), (0, 0), (len(result), len(result))))
    places = sorted(chance.randint(first, last) for _ in others)
    for place, message in reversed(list(zip(places, others, strict=True))):
        result.insert(place, message)
    return result
