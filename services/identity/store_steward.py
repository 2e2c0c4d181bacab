"""What the resolver asks of its store about stewards: the decisions, and what is to be reviewed."""

from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, Decision, Withdrawal


class StewardReading(Protocol):
    def decisions_among(self, records: Sequence[int]) -> Sequence[Decision]:
        """The decisions that name any of these records and were not withdrawn, by id."""
        ...

    def decision(self, id_: CommandId) -> tuple[Decision, Withdrawal | None] | None:
        """One decision, and what took it back."""
        ...

    def decisions_listed(
        self, *, before: tuple[Micros, CommandId] | None, decisions_max: int
    ) -> Sequence[tuple[Decision, Withdrawal | None]]:
        """Decisions by (decided_at, id), the latest first, from one after `before`."""
        ...


class StewardWriting(Protocol):
    def add_decisions(self, commands: Sequence[Decision | Withdrawal]) -> Sequence[int]:
        """Keep the commands whose ids are not known; the numbers of those."""
        ...

    def records_decided(self, commands: Sequence[int]) -> Sequence[int]:
        """Those that are there of the records which these commands are about, withdrawn or not."""
        ...
