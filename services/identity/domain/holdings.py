"""What one record holds, as the world sees it."""

from services.identity.domain.ids import RecordKey
from services.identity.domain.profile import Holding
from services.identity.domain.record import RecordState


def holdings_of(key: RecordKey, state: RecordState) -> list[Holding]:
    """By product, as the record last said."""
    return [
        Holding(
            product=held.product,
            line_of_business=held.line_of_business,
            price=held.price,
            currency=held.currency,
            held_from=held.held_from,
            held_to=held.held_to,
            active=held.active,
            source=key.source,
            at=held.at,
        )
        for _, held in sorted(state.holdings.items())
    ]
