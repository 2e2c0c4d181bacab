"""What the resolver asks of its store about stewards: the decisions, and what is to be reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.identity.domain.ids import Micros
from services.identity.domain.steward import CommandId, Decision, Withdrawal
from services.identity.domain.value_word import ValueWord


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """`effect`: the expected effect of a word about it. `component`: where it stands, if in one."""

    kind: str
    subject: str
    detail: Mapping[str, object]
    component: int | None = None
    effect: float = 0.0


class StewardReading(Protocol):
    def reviews_listed(self, *, kind: str | None, items_max: int) -> Sequence[ReviewItem]:
        """What is to be reviewed: the largest expected effect first, then by kind and subject."""
        ...

    def review_of(self, subject: str) -> ReviewItem | None: ...

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

    def value_words(self) -> Sequence[ValueWord]:
        """Of each value the latest word, by (decided_at desc, id)."""
        ...


class StewardWriting(Protocol):
    def add_value_words(self, words: Sequence[ValueWord]) -> Sequence[int]:
        """Keep the words whose ids are not known; the keys that those are about."""
        ...

    def add_decisions(self, commands: Sequence[Decision | Withdrawal]) -> Sequence[int]:
        """Keep the commands whose ids are not known; the numbers of those."""
        ...

    def reviewed_among(self, components: Sequence[int]) -> frozenset[int]:
        """Those of the components of which a person should look at something."""
        ...

    def replace_reviews(
        self, components: Sequence[int], items: Sequence[ReviewItem], *, at: Micros
    ) -> Sequence[ReviewItem]:
        """What is to be reviewed in these components from now on; those that were not before."""
        ...

    def close_reviews(self, kind: str, subjects: Sequence[str]) -> None:
        """The cause is gone."""
        ...

    def records_decided(self, commands: Sequence[int]) -> Sequence[int]:
        """Those that are there of the records which these commands are about, withdrawn or not."""
        ...
