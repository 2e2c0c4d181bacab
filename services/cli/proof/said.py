"""A log to shuffle: invented people, what corrects them, what visitors do, what stewards say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from services.cli.bench.people import People, Row
from services.cli.home import DEFAULT_SOURCES
from services.identity.domain.events import ExternalId
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros, RecordKey, SourceName
from services.identity.domain.steward import Decision, Verdict
from services.identity.domain.value_word import ValueVerdict
from services.identity.ports import OutgoingMessage
from services.identity.wire import commands
from services.identity.wire.events import (
    TOPIC,
    ChannelEvent,
    EventData,
    RecordRef,
    encode,
    record_key_bytes,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = 200_000  # in which everything happens, in any order
COMMANDS_SHARE = 0.02
_KINDS = (
    ("new", 50),
    ("corrected", 16),
    ("emptied", 2),
    ("visit", 20),
    ("consent", 4),
    ("device", 8),
)
_COMMANDS = (("same", 4), ("different", 4), ("withdrawn", 2), ("word", 2))
_RULES = IdentityRules()
_EVEN = 0.5
_BY = {"by": "steward@example.org", "reason": "asked the customer"}


def log_of(events: int, *, seed: int) -> list[OutgoingMessage]:
    """So many messages, the same for the same seed; no two say the same."""
    return list(islice(_Teller(seed, events).messages(), events))


class _Teller:
    """Says one thing after another about people that it invents."""

    def __init__(self, seed: int, events: int) -> None:
        self._chance = Random(f"{seed} log")  # noqa: S311  # invented, and repeatable on purpose
        self._rows = People(seed).base(events)
        self._told: list[tuple[RecordKey, Row]] = []
        self._decisions: list[Decision] = []
        self._number = 0

    def messages(self) -> Iterator[OutgoingMessage]:
        for _ in range(3):
            yield self._new()
        while True:
            self._number += 1
            if self._chance.random() < COMMANDS_SHARE:
                yield commands.outgoing(self._command())
            else:
                yield self._event()

    def _event(self) -> OutgoingMessage:
        match self._pick(_KINDS):
            case "new":
                return self._new()
            case "corrected":
                record, row = self._chance.choice(self._told)
                return self._message(record, "identify", traits=self._corrected(row))
            case "emptied":
                record, row = self._chance.choice(self._told)
                return self._message(record, "identify", traits=dict.fromkeys(row.values))
            case "visit":
                record, _ = self._chance.choice(self._told)
                name, price = self._chance.choice(("Product Viewed", "Order Completed")), 20
                said = {"product_id": f"p-{self._chance.randrange(20)}", "price": price}
                return self._message(record, "track", event=name, properties=said)
            case "consent":
                record, _ = self._chance.choice(self._told)
                said = {"purpose": "offers", "granted": self._chance.random() < _EVEN}
                return self._message(record, "track", event="Consent Changed", properties=said)
            case _:
                return self._device()

    def _new(self) -> OutgoingMessage:
        row = next(self._rows)
        record = RecordKey(row.source, row.key_kind, f"r-{len(self._told)}")
        self._told.append((record, row))
        return self._message(record, "identify", traits=dict(row.values))

    def _corrected(self, row: Row) -> dict[str, Any]:
        """One field as somebody else has it, or said to be unknown."""
        name = self._chance.choice(sorted(row.values))
        _, other = self._chance.choice(self._told)
        return {**row.values, name: other.values.get(name)}

    def _device(self) -> OutgoingMessage:
        """A visitor whom a user id is told of later, or before, or never."""
        device = f"d-{self._chance.randrange(max(1, len(self._told) // 4))}"
        record = RecordKey(SourceName("web"), "anonymous_id", device)
        known, _ = self._chance.choice(self._told)
        if known.source == "web" and self._chance.random() < _EVEN:
            return self._message(known, "page", event="Page", anonymous_id=device)
        return self._message(record, "page", event="Page", anonymous_id=device)

    def _command(self) -> commands.Said:
        at = Micros(self._number)
        kind = self._pick(_COMMANDS)
        if kind == "withdrawn" and self._decisions:
            decision = self._chance.choice(self._decisions)
            return commands.withdraw(decision.id, decided_at=at, **_BY)
        if kind == "word" and (phone := self._phone()) is not None:
            word = self._chance.choice(list(ValueVerdict))
            named = (phone.type, phone.scope, phone.value)
            return commands.mark_value(named, word, decided_at=at, **_BY)
        (one, _), (other, _) = self._chance.sample(self._told, 2)
        verdict = Verdict.SAME if kind == "same" else Verdict.DIFFERENT
        decision = commands.decide(verdict, [one], [other], decided_at=at, **_BY)
        self._decisions.append(decision)
        return decision

    def _phone(self) -> ExternalId | None:
        """Somebody's, as it is compared; None where the one who was asked has none."""
        _, row = self._chance.choice(self._told)
        source = next(each for each in DEFAULT_SOURCES if each.name == row.source)
        return _RULES.external_id("phone", row.values.get("phone", ""), source)

    def _pick(self, shares: tuple[tuple[str, int], ...]) -> str:
        names, weights = zip(*shares, strict=True)
        return str(self._chance.choices(names, weights)[0])

    def _message(  # the parts of one event
        self,
        record: RecordKey,
        kind: str,
        *,
        event: str | None = None,
        anonymous_id: str | None = None,
        traits: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> OutgoingMessage:
        moment = EPOCH + timedelta(minutes=self._chance.randrange(MINUTES))
        reference = RecordRef(kind=record.kind, key=record.key)
        said = ChannelEvent(
            id=f"m-{self._number}-{record.key}",
            source=record.source,
            type=f"plait.{kind}.v1",
            time=moment,
            data=EventData(
                record=reference,
                received_at=moment,
                user_id=record.key if record.kind == "user_id" else None,
                anonymous_id=anonymous_id,
                event=event,
                traits=traits or {},
                properties=properties or {},
            ),
        )
        return OutgoingMessage(
            topic=TOPIC, key=record_key_bytes(record.source, reference), value=encode(said)
        )
