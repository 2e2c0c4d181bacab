"""Why records stand in one profile: the strongest ties that connect them all, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.identity.domain.evidence import Waterfall
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.domain.weights import to_bits
from services.identity.store import StoredRecord, Transaction
from services.linkage.waterfall import explain_pair
from services.resolver.derive import decode_features
from services.resolver.resolve.edges import decisive_keys
from services.resolver.resolve.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Two records and what ties them: identifiers that decide, or the weight of the evidence."""

    left: RecordKey
    right: RecordKey
    identifiers: Sequence[str]
    waterfall: Waterfall

    @property
    def bits(self) -> float:
        return to_bits(self.waterfall.total)


def tie(engine: Engine, one: StoredRecord, other: StoredRecord) -> Tie:
    """What ties two records, weighed by the active model."""
    left, right = sorted((one, other), key=lambda record: record.key)
    rules = engine.deriver.rules
    shared = decisive_keys(left, rules).keys() & decisive_keys(right, rules).keys()
    return Tie(
        left=left.key,
        right=right.key,
        identifiers=sorted(text.split("\x1f", 1)[0] for text in shared),
        waterfall=explain_pair(
            engine.scorer,
            decode_features(left.features),
            decode_features(right.features),
        ),
    )


def ties_of(tx: Transaction, engine: Engine, profile: ProfileId) -> list[Tie]:
    """The ties that hold a profile together, one fewer than it has records.

    From the record first heard of: each time the strongest tie to a record not told of yet.
    """
    records = sorted(
        tx.records(tx.records_of(profile)).values(),
        key=lambda r: (r.state.dated_from is None, r.state.dated_from or 0, r.key),
    )
    if not records:
        return []
    newest, rest = records[0], records[1:]
    best: dict[RecordKey, Tie] = {}
    ties: list[Tie] = []
    while rest:
        for record in rest:
            found = tie(engine, record, newest)
            if record.key not in best or _strength(found) > _strength(best[record.key]):
                best[record.key] = found
        newest = max(rest, key=lambda record: _strength(best[record.key]))
        rest = [record for record in rest if record is not newest]
        ties.append(best[newest.key])
    return ties


def _strength(each: Tie) -> tuple[bool, float]:
    """Identifiers that decide go before any evidence."""
    return (bool(each.identifiers), each.bits)
