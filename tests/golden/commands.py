"""The schema of identity-commands, and an example of each command."""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.identity.domain.ids import Micros, RecordKey
from services.identity.domain.steward import Verdict
from services.identity.domain.value_word import ValueVerdict
from services.identity.wire.commands import (
    IDENTITY_COMMANDS,
    Command,
    Said,
    decide,
    mark_value,
    outgoing,
    withdraw,
)
from services.ingest.formats.contracts import DIALECT

AT = Micros(1_795_166_102_500_000)  # 2026-11-20T09:15:02.5Z
WEB = RecordKey("web", "user_id", "u-9")
BILLING = RecordKey("billing", "account_number", "4401")
CALLS = RecordKey("calls", "contact_id", "c-88")
STEWARD = "steward@example.org"


def command_schema() -> Mapping[str, Any]:
    schema = msgspec.json.schema(Command)
    return {"schemas/events/identity_command.v1.schema.json": {"$schema": DIALECT, **schema}}


def command_examples() -> Mapping[str, Any]:
    same = decide(
        Verdict.SAME, [WEB], [BILLING, CALLS], decided_at=AT, by=STEWARD, reason="she called"
    )
    different = decide(
        Verdict.DIFFERENT, [WEB], [CALLS], decided_at=AT, by=STEWARD, reason="father and son"
    )
    taken_back = withdraw(same.id, decided_at=AT, by=STEWARD, reason="the call was another's")
    marked = mark_value(
        ("phone", "*", "+442079460000"),
        ValueVerdict.GENERIC,
        decided_at=AT,
        by=STEWARD,
        reason="the switchboard of a company",
    )
    named: dict[str, Said] = {
        "marked": marked,
        "same": same,
        "different": different,
        "withdrawn": taken_back,
    }
    return {
        f"schemas/examples/{IDENTITY_COMMANDS}/v1/{name}.json": msgspec.json.decode(
            outgoing(command).value or b""
        )
        for name, command in named.items()
    }
