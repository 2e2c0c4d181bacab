"""What the resolver asks of its store about stewards: the decisions, and what is to be reviewed."""

from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.steward import Decision, Withdrawal


class StewardReading(Protocol):
    def decisions_among(self, records: Sequence[int]) -> Sequence[Decision]:
        """The decisions that name any of these records and were not withdrawn, by id."""
        ...


class StewardWriting(Protocol):
    def add_decisions(self, commands: Sequence[Decision | Withdrawal]) -> Sequence[int]:
        """Keep the commands whose ids are not known; the numbers of those."""
        ...

    def records_decided(self, commands: Sequence[int]) -> Sequence[int]:
        """Those that are there of the records which these commands are about, withdrawn or not."""
        ...
