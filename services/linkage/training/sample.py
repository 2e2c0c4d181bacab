"""Which records training looks at when there are more than it can hold.

Whole groups of one surname are taken, not records here and there: a sample of records would keep
only its square of the matching pairs. What that does to the figures is undone by `fraction`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from services.linkage.features import FeatureSpec, derive
from services.linkage.training.records import TrainingRecord

_HASH_RANGE = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`column` is the derived column whose groups were kept whole, None if nothing was left out.

    Two records agree on it 1 / fraction times as often as in the whole base.
    """

    records: tuple[TrainingRecord, ...]
    fraction: float
    column: str | None


def sample_records(
    records: Sequence[TrainingRecord], spec: FeatureSpec, *, records_max: int
) -> Sample:
    """At most about records_max records, in the order given; the same whatever that order is."""
    if len(records) <= records_max:
        return Sample(records=tuple(records), fraction=1.0, column=None)
    column = next((name for name in ("s", "d0", "n0") if name in spec.columns), None)
    fraction = records_max / len(records)
    kept = [
        record for record in records if _hash(_group(record, spec, column)) < fraction * _HASH_RANGE
    ]
    kept = kept[:records_max]
    return Sample(records=tuple(kept), fraction=len(kept) / len(records), column=column)


def _group(record: TrainingRecord, spec: FeatureSpec, column: str | None) -> str:
    value = derive(record.values, spec).get(column) if column else None
    return value if isinstance(value, str) else f"\0{record.key}"


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
