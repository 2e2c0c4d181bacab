"""Messages that retention removed before they were landed: written down, and stepped over."""

from collections.abc import Sequence

from services.identity.domain.ids import Micros
from services.identity.ports import Loss, Position
from services.identity.store import MESSAGES_LOST, ResolverStore, ReviewItem


def step_over(store: ResolverStore, group: str, losses: Sequence[Loss], *, at: Micros) -> None:
    """In one transaction, so that no offset moves past a loss that nobody can read about.

    Raises LostPartition when another worker moved an offset first: then it was his to tell.
    """
    with store.transaction() as tx:
        moves = [(loss.first, Position(loss.partition, loss.kept)) for loss in losses]
        tx.advance_offsets(group, moves)
        tx.review([_item(loss) for loss in losses], at=at)


def _item(loss: Loss) -> ReviewItem:
    detail = {
        "topic": loss.partition.topic,
        "partition": loss.partition.index,
        "first": loss.first,
        "kept": loss.kept,
        "messages": loss.kept - loss.first,
    }
    return ReviewItem(kind=MESSAGES_LOST, subject=str(loss), detail=detail)
