"""Which records training looks at when there are more than it can hold.

Whole groups of one surname are taken, not records here and there: a sample of records would keep
only its square of the matching pairs. What that does to the figures is undone by `fraction`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from services.linkage.features import FeatureSpec, derive
from services.linkage.training.records import TrainingRecord

_HASH_RANGE = 2**64
_COLUMNS = ("s", "d0", "n0")
"""Whose groups are kept whole: the first that there is. Surnames keep households together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`column` is the derived column whose groups were kept whole, None if nothing was left out.

    Two records agree on it 1 / fraction times as often as in the whole base; `counts` is how often
    the whole base has each of its values, as the sample knows nothing of the groups left out.
    """

    records: tuple[TrainingRecord, ...]
    fraction: float = 1.0
    column: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def sample_records(
    records: Sequence[TrainingRecord], spec: FeatureSpec, *, records_max: int
) -> Sample:
    """At most about records_max records, in the order given; the same whatever that order is."""
    if len(records) <= records_max:
        return Sample(records=tuple(records))
    column = next((name for name in _COLUMNS if name in spec.columns), None)
    values = [derive(record.values, spec).get(column) if column else None for record in records]
    groups = [value if isinstance(value, str) else None for value in values]
    bound = records_max / len(records) * _HASH_RANGE
    kept = [
        record
        for record, group in zip(records, groups, strict=True)
        if _hash(f"\0{record.key}" if group is None else group) < bound
    ][:records_max]
    return Sample(
        records=tuple(kept),
        fraction=len(kept) / len(records),
        column=column,
        counts=Counter(group for group in groups if group is not None),
    )


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
