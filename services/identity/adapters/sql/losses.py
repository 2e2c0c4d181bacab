"""Losses that the resolver wrote down among the items for review: read, and taken note of."""

from dataclasses import dataclass

from services.identity.adapters.sql.engine import Connection, transaction
from services.identity.domain.ids import Micros
from services.identity.store import MESSAGES_LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedLoss:
    """`subject` names topic, partition and offsets; `is_accepted` once a person has seen it."""

    subject: str
    messages: int
    noted_at: Micros
    is_accepted: bool


def losses(connection: Connection) -> list[NotedLoss]:
    """All there ever were, the oldest first."""
    with transaction(connection) as cursor:
        rows = cursor.execute(
            "SELECT subject, (detail->>'messages')::int8, created_at, detail ? 'accepted'"
            " FROM review_item WHERE kind = %s ORDER BY id",
            (MESSAGES_LOST,),
        ).fetchall()
    return [
        NotedLoss(subject=subject, messages=messages, noted_at=Micros(at), is_accepted=accepted)
        for subject, messages, at, accepted in rows
    ]


def accept_losses(connection: Connection) -> None:
    """They are kept, and are no fault any more."""
    with transaction(connection) as cursor:
        cursor.execute(
            """UPDATE review_item SET detail = detail || '{"accepted": true}' WHERE kind = %s""",
            (MESSAGES_LOST,),
        )
