"""Dirty marks: what landing leaves for resolving, in the order it was left."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from services.identity.domain.ids import Micros


class MarkKind(IntEnum):
    """Why something is dirty: what a record matches by, its traits only, a key it let go of.

    DECISION: what a steward's command says of the records that it names. ACCOUNT: what an account
    is to its members has changed; only segments that ask of others can move. VALUE: the key of a
    value that a steward spoke of. FALLEN: a key that is generic no longer, whose holders are dirty
    only now: whoever told of it could not see who landed and was resolved meanwhile. COMPONENT: the
    component of a record is to be clustered again and told whole.
    """

    MATCHING = 1
    TRAITS = 2
    KEY = 3
    DECISION = 4
    ACCOUNT = 5
    VALUE = 6
    FALLEN = 7
    COMPONENT = 8


OF_RECORDS = frozenset({MarkKind.MATCHING, MarkKind.TRAITS, MarkKind.COMPONENT})


class Half(IntEnum):
    """Of all components, by their number."""

    EVEN = 0
    ODD = 1


class Mark(NamedTuple):
    """An append-only dirty mark.

    `subject` is a record number; for KEY and FALLEN the key itself, for DECISION the number of a
    command, for ACCOUNT the first 64 bits of the account's id.
    """

    seq: int
    kind: MarkKind
    subject: int
    since: Micros


class MarkTransaction(Protocol):
    """The marks' part of a transaction."""

    def mark(self, marks: Iterable[tuple[MarkKind, int, Micros]]) -> None: ...
    def take_marks(self, marks_max: int, *, half: Half | None = None) -> Sequence[Mark]:
        """The oldest that nobody else has in hand; of one half of all components, where named.

        Two who work side by side meet in few components when each takes a half. A mark that is
        not about a record stands in the half of its subject.
        """
        ...

    def take_marks_near(self, records: Sequence[int], *, marks_max: int) -> Sequence[Mark]:
        """Marks of records that stand with these, or share a key with them.

        Of a key of very many records some are enough. Marks taken before may be among them.
        """
        ...

    def delete_marks(self, marks: Sequence[Mark]) -> None: ...
