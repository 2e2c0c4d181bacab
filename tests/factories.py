"""Builders with good defaults: set only what a case is about. Invented people at example.org."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.identity.adapters.clock import ManualClock
from services.identity.domain.ids import Micros
from services.identity.domain.kinds import Kind
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.domain.weights import Kinship
from services.identity.ports import OutgoingMessage
from services.identity.wire.events import (
    TOPIC,
    ChannelEvent,
    EventData,
    ExternalIdMessage,
    RecordRef,
    encode,
    record_key_bytes,
)
from services.linkage.comparisons import comparisons_for
from services.linkage.features import FeatureSpec
from services.linkage.model import LinkageModel

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STILL_AT = Micros(1_800_000_000_000_000)


def still_clock() -> ManualClock:
    """Instants of landing and deciding are seldom what a test is about."""
    return ManualClock(STILL_AT)


def channel_event(  # noqa: PLR0913  # a builder: every part has a good default
    *,
    source: str = "web",
    user_id: str | None = None,
    anonymous_id: str | None = None,
    message_id: str = "m-1",
    minute: int = 0,
    kind: str = "identify",
    event: str | None = None,
    traits: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    external_ids: Sequence[tuple[str, str]] = (),
    record: tuple[str, str] | None = None,
    dated: bool = True,
) -> ChannelEvent:
    """One event of a web visitor at a minute after the epoch of all tests."""
    at = EPOCH + timedelta(minutes=minute)
    own = ("user_id", user_id) if user_id else ("anonymous_id", anonymous_id or "a-1")
    ref = RecordRef(*(record or own))
    return ChannelEvent(
        id=message_id,
        source=source,
        type=f"plait.{kind}.v1",
        time=at,
        data=EventData(
            record=ref,
            received_at=at,
            dated=dated,
            event=event,
            user_id=user_id,
            anonymous_id=anonymous_id,
            traits=dict(traits or {}),
            properties=dict(properties or {}),
            external_ids=[ExternalIdMessage(type=t, id=i) for t, i in external_ids],
        ),
    )


def outgoing(event: ChannelEvent) -> OutgoingMessage:
    key = record_key_bytes(event.source, event.data.record)
    return OutgoingMessage(topic=TOPIC, key=key, value=encode(event))


def untrained_model(fields: Mapping[str, Kind] = TRAIT_FIELDS) -> LinkageModel:
    """A model with default m, a plausible u, and a handful of keys: fast, and no one's data."""
    spec = FeatureSpec(fields=tuple(sorted(fields.items())))
    comparisons = tuple(
        c.with_probabilities(
            u=(
                0.002,
                *(0.02 for _ in range(len(c.levels) - 2)),
                1 - 0.002 - 0.02 * (len(c.levels) - 2),
            )
        )
        for c in comparisons_for(spec)
    )
    return LinkageModel(
        spec=spec,
        comparisons=comparisons,
        prior_weight=-10.0,
        kinship=Kinship(household=1e-3),
        term_frequencies={},
        keys=(("g", "s"), ("e0",), ("f0",), ("s", "d0"), ("g", "p0")),
    )
