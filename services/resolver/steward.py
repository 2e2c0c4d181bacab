"""Landing stewards' commands: kept once each, and what they are about is marked dirty.

What they come to is worked out where it is resolved (services/resolver/resolve/decided.py), after
this has committed: a record that lands meanwhile then finds the decision, or is found by it.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.identity.domain.errors import RejectedError
from services.identity.domain.ids import Micros
from services.identity.domain.steward import Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.ports import Message
from services.identity.store import Transaction
from services.identity.store_marks import MarkKind
from services.identity.wire.commands import IDENTITY_COMMANDS, read
from services.resolver.land import Landing
from services.resolver.letters import letter_of


def split(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """The events among them, and the commands."""
    commands = [each for each in messages if each.partition.topic == IDENTITY_COMMANDS]
    if not commands:
        return messages, commands
    return [each for each in messages if each.partition.topic != IDENTITY_COMMANDS], commands


def land_commands(
    tx: Transaction, messages: Sequence[Message], landing: Landing, *, at: Micros
) -> Landing:
    """Land messages of identity-commands; what this and the events landed before came to.

    The caller moves the offsets in the same transaction.
    """
    if not messages:
        return landing
    commands: list[Decision | Withdrawal] = []
    words: list[ValueWord] = []
    refused: list[tuple[Message, RejectedError]] = []
    for message in messages:
        if message.value is None:
            continue  # a tombstone decides nothing
        try:
            said = read(message.value)
        except RejectedError as error:
            refused.append((message, error))
            continue
        if isinstance(said, ValueWord):
            words.append(said)
        else:
            commands.append(said)
    numbers = tx.add_decisions(commands) if commands else ()
    keys = tx.add_value_words(words) if words else ()
    tx.mark((MarkKind.DECISION, number, at) for number in numbers)
    tx.mark((MarkKind.VALUE, key, at) for key in keys)
    tx.send([letter_of(message, error, at) for message, error in refused])
    return replace(
        landing,
        messages=landing.messages + len(messages),
        accepted=landing.accepted + len(numbers) + len(keys),
        copies=landing.copies + len(commands) + len(words) - len(numbers) - len(keys),
        refused=landing.refused + len(refused),
    )
