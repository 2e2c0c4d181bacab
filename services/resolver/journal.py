"""A worker's work as log lines: counts, reasons and classes of errors, never what was said."""

import logging
from collections import Counter
from collections.abc import Sequence

from services.identity.ports import Loss, OutgoingMessage
from services.identity.store import ReviewItem
from services.resolver.land import Landing
from services.resolver.metrics import kinds_of, reasons_of
from services.resolver.observe import Silent, Stage
from services.resolver.resolution import Resolution

TOLD_AT_INFO = frozenset({"profile.merged", "profile.split", "profile.deleted"})


class Journal(Silent):
    """An observer of one worker. The same failure again and again is told once."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._trouble: str | None = None

    def landed(self, landing: Landing) -> None:
        self._log.debug(
            "landed",
            extra={
                "messages": landing.messages,
                "accepted": landing.accepted,
                "copies": landing.copies,
                "refused": landing.refused,
            },
        )

    def lost(self, losses: Sequence[Loss]) -> None:
        for loss in losses:
            self._log.error(
                "messages lost: the log's retention removed them before they were landed",
                extra={
                    "topic": loss.partition.topic,
                    "partition": loss.partition.index,
                    "first": loss.first,
                    "kept": loss.kept,
                },
            )

    def resolved(self, resolution: Resolution) -> None:
        self._log.debug(
            "resolved",
            extra={
                "marks": resolution.marks,
                "records": resolution.records,
                "pairs": resolution.pairs,
                "profiles": resolution.told.profiles,
            },
        )

    def parked(self, items: Sequence[ReviewItem]) -> None:
        kinds = Counter(each.kind for each in items)
        self._log.warning("parked for review", extra={"kinds": dict(kinds)})

    def told(self, messages: Sequence[OutgoingMessage]) -> None:
        kinds = Counter(kinds_of(messages))
        self._log.debug("relayed", extra={"messages": len(messages)})
        weighty = {kind: kinds[kind] for kind in sorted(kinds) if kind in TOLD_AT_INFO}
        if weighty:
            self._log.info("profiles changed hands", extra={"kinds": weighty})
        reasons = Counter(reasons_of(messages))
        if reasons:
            self._log.warning("dead letters", extra={"reasons": dict(reasons)})

    def restarted(self, stage: Stage) -> None:
        self._log.debug("batch begins again", extra={"stage": stage.value})

    def failed(self, error: Exception, *, pause_seconds: float) -> None:
        cause = type(error.__cause__ or error).__name__
        level = logging.WARNING if self._trouble != cause else logging.DEBUG
        self._trouble = cause
        self._log.log(
            level,
            "the world failed; trying again",
            extra={"error": cause, "pause_seconds": round(pause_seconds, 2)},
        )

    def turned(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._log.info("working again")
