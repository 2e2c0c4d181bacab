"""Resolving: what one transaction takes on, and what its marks ask for."""

from collections.abc import Sequence

from services.identity.domain.ids import Micros
from services.identity.store import Transaction
from services.identity.store_marks import OF_RECORDS, Half, Mark, MarkKind
from services.resolver.parts import Entered, unheard
from services.resolver.perform import Told
from services.resolver.resolution import Resolution
from services.resolver.resolve.candidates import mark_fallen, review_spoken, tell_crossings
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.layout import lay_out_anew
from services.resolver.resolve.touched import Touched, touched_by
from services.resolver.resolve.work import Work


def resolve(  # noqa: PLR0913  # which marks are taken, and what happens to them
    tx: Transaction,
    engine: Engine,
    *,
    marks_max: int,
    at: Micros,
    half: Half | None = None,
    only: frozenset[int] = frozenset(),
    near_max: int = 0,
    leaves: bool = False,
    entered: Entered = unheard,
) -> Resolution | None:
    """Resolve up to `marks_max` dirty marks; None when nothing is dirty.

    Up to `near_max` others come along that are about who may stand with these. Of `only` some
    records, where they have marks among these. If `leaves`, marks that meet what another worker
    has in hand stay for later. Raises RestartBatch when another worker changed what was read, and
    BurdenTooLargeError: roll back and call again.
    """
    marks = tx.take_marks(marks_max, half=half)
    if near_max:
        marks = [*marks, *_near(tx, marks, marks_max=near_max)]
    if only:
        marks = [m for m in marks if m.kind in OF_RECORDS and m.subject in only] or marks
    if not marks:
        return None
    let_go = {m.subject for m in marks if m.kind is MarkKind.KEY}
    if values := {m.subject for m in marks if m.kind is MarkKind.VALUE}:
        engine.check_words(tx)
        let_go |= values
    mark_fallen(tx, {m.subject for m in marks if m.kind is MarkKind.FALLEN}, at=at)
    touched = touched_by(tx, engine, marks, at=at, leaves=leaves)
    work = Work(tx, engine, at, records_max=engine.component_records_max, entered=entered)
    if touched.records:
        told = work.run(touched, let_go=let_go)
    else:
        tell_crossings(tx, let_go, engine.deriver.rules, at=at)
        told = Told()
    if values:
        review_spoken(tx, values, engine.deriver.rules, at=at)
    done = [m for m in marks if not (m.kind in OF_RECORDS and m.subject in work.left)]
    tx.delete_marks(done)
    return Resolution(
        marks=len(done),
        left=len(marks) - len(done),
        records=len(touched.records) - len(work.left),
        pairs=work.pairs,
        edges=work.edges,
        told=told,
        burden=work.burden,
    )


def _near(tx: Transaction, marks: Sequence[Mark], *, marks_max: int) -> list[Mark]:
    """Other marks that are about records near those of these marks."""
    records = sorted({mark.subject for mark in marks if mark.kind in OF_RECORDS})
    taken = {mark.seq for mark in marks}
    found = tx.take_marks_near(records, marks_max=marks_max) if records else ()
    return [mark for mark in found if mark.seq not in taken]


def resolve_set_aside(
    tx: Transaction, engine: Engine, *, at: Micros, entered: Entered = unheard
) -> Resolution | None:
    """Cluster one component that was set aside for its size; None when none waits.

    The same function as for any other component, with nothing else in its transaction.
    """
    component = tx.take_set_aside()
    if component is None:
        return None
    work = Work(tx, engine, at, records_max=None, entered=entered)
    told = work.run(Touched(records=frozenset({component}), anew=frozenset({component})))
    tx.clear_set_aside([component])
    return Resolution(marks=0, records=1, pairs=work.pairs, edges=work.edges, told=told)


def resolve_layout(tx: Transaction, engine: Engine, *, at: Micros) -> Resolution | None:
    """Cut anew what is connected with records that wait for it; None when none does.

    Raises RestartBatch as `resolve` does.
    """
    moved = lay_out_anew(tx, ladder=engine.context.ladder, at=at)
    return (
        None if moved is None else Resolution(marks=0, records=moved, pairs=0, edges=0, told=Told())
    )
