"""What marks ask for: which records a batch is about, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.identity.domain.ids import Micros
from services.identity.store import Transaction
from services.identity.store_marks import OF_RECORDS, Mark, MarkKind
from services.resolver.resolve.engine import Engine
from services.resolver.segments.shared import members_marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The records of one batch.

    `dirty`: what they match by may have changed. `anew`: their components are to be clustered
    again and told whole. `spoken`: stewards' decisions have just spoken of them. Of all others
    only what is told of them can have changed. `heard`: those touched by more than what others
    share with them. `marked`: what can be left for another batch, as it was marked. `leavable`:
    who may be left where another worker has them in hand.
    """

    records: frozenset[int]
    dirty: frozenset[int] = frozenset()
    anew: frozenset[int] = frozenset()
    spoken: frozenset[int] = frozenset()
    heard: frozenset[int] = frozenset()
    marked: Sequence[int] = ()
    leavable: frozenset[int] = frozenset()

    def stirred(self) -> frozenset[int]:
        """Those whose component may not stay as it is."""
        return self.dirty | self.anew | self.spoken

    def without(self, left: frozenset[int]) -> "Touched":
        """What is left of it for this batch."""
        return Touched(
            records=self.records - left,
            dirty=self.dirty - left,
            anew=self.anew - left,
            spoken=self.spoken,
            heard=self.heard - left,
            marked=[number for number in self.marked if number not in left],
        )


def touched_by(
    tx: Transaction, engine: Engine, marks: Collection[Mark], *, at: Micros, leaves: bool
) -> Touched:
    """Whom these marks touch. If `leaves`, those of whom nothing else is asked may be left."""
    dirty = _subjects(marks, MarkKind.MATCHING)
    anew = _subjects(marks, MarkKind.COMPONENT)
    commands = _subjects(marks, MarkKind.DECISION)
    spoken = frozenset(tx.records_decided(sorted(commands)) if commands else ())
    heard = dirty | anew | spoken | _subjects(marks, MarkKind.TRAITS)
    accounts = _subjects(marks, MarkKind.ACCOUNT)
    sharing: frozenset[int] = frozenset()
    if accounts and engine.evaluator.asks_of_others:
        rows_max = engine.shared_rows_max
        sharing = frozenset(members_marked(tx, sorted(accounts), rows_max=rows_max, at=at))
    own = tuple(mark.subject for mark in marks if mark.kind in OF_RECORDS)
    return Touched(
        records=heard | sharing,
        dirty=dirty,
        anew=anew,
        spoken=spoken,
        heard=heard,
        marked=own,
        leavable=frozenset(own) - spoken - sharing if leaves else frozenset(),
    )


def _subjects(marks: Collection[Mark], kind: MarkKind) -> frozenset[int]:
    return frozenset(mark.subject for mark in marks if mark.kind is kind)
