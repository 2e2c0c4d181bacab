"""Which records training looks at when there are more than it can hold.

Whole groups of one surname are taken, not records here and there: a sample of records would keep
only its square of the matching pairs. What that does to the figures is undone by `fraction`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType

from services.identity.domain.kinds import Kind
from services.linkage.features import NAME_KINDS, FeatureSpec, derive
from services.linkage.training.records import TrainingRecord

_HASH_RANGE = 2**64
_SHRINK = 95  # per cent of the groups that stay when there are too many records
_VALUES_MAX = 2_000_000  # distinct values of the column that are counted
_TOLD_TIMES = 2  # what is kept of records in parts, in records held: looked through that seldom
_COLUMNS: Mapping[str, frozenset[Kind]] = MappingProxyType(
    {
        "s": frozenset(NAME_KINDS),
        "d0": frozenset({Kind.DATE_OF_BIRTH}),
        "n0": frozenset({Kind.NATIONAL_ID, Kind.IDENTIFIER}),
    }
)
"""Whose groups are kept whole: the first that there is, and the fields that it is made of.

Surnames keep households together.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`column` is the derived column whose groups were kept whole, None if nothing was left out.

    `taken` is how many records were kept, `seen` how many the base has. Two records agree on the
    column 1 / fraction times as often as in the whole base; `counts` is how often the whole base
    has each of its values, as the sample knows nothing of the groups left out.
    """

    records: tuple[TrainingRecord, ...]
    taken: int
    seen: int
    fraction: float = 1.0
    column: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def without_records(self) -> "Sample":
        """The same, once their columns are derived: their texts are the larger half of both."""
        return replace(self, records=())


def sample_records(
    records: Iterable[TrainingRecord],
    spec: FeatureSpec,
    *,
    records_max: int,
    in_parts: bool = False,
) -> Sample:
    """At most records_max records, by key; the same whatever order they come in.

    With `in_parts` a record may come repeatedly, and what is said later holds. Only what is held
    can be added to: one that was let go of counts again when it comes again.
    """
    sieve = _Sieve(spec, records_max, in_parts=in_parts)
    seen = 0
    for record in records:
        if in_parts and sieve.adds_to_held(record):
            continue
        seen += 1
        sieve.add(record)
    kept = tuple(sorted(sieve.records(), key=lambda record: record.key))
    if sieve.kept_all:
        return Sample(records=kept, taken=len(kept), seen=seen)
    return Sample(
        records=kept,
        taken=len(kept),
        seen=seen,
        fraction=len(kept) / seen,
        column=sieve.column,
        counts=sieve.counts,
    )


class _Sieve:
    """Holds as many records as it may: when one more comes, the groups with large hashes go.

    A group that alone would fill much of the room goes record by record, as do records without.
    """

    def __init__(self, spec: FeatureSpec, records_max: int, *, in_parts: bool) -> None:
        self.column = next((name for name in _COLUMNS if name in spec.columns), None)
        self.counts: Counter[str] = Counter()
        self.kept_all = True
        of_group = _COLUMNS.get(self.column or "", frozenset())
        self._spec = FeatureSpec(fields=tuple(each for each in spec.fields if each[1] in of_group))
        self._records_max = records_max
        self._bound = _HASH_RANGE
        self._held: list[tuple[int, str | None, TrainingRecord]] = []
        self._waiting: list[TrainingRecord] = []  # none has to go so far: groups cost a derivation
        self._split: set[str] = set()
        self._in_parts = in_parts
        self._told: dict[str, TrainingRecord] = {}  # what each record held says, if in parts

    def adds_to_held(self, record: TrainingRecord) -> bool:
        """Whether the record is held already; then it says this, too, and later words hold."""
        told = self._told.get(record.key)
        if told is None:
            return False
        self._told[record.key] = told.with_more(record)
        return True

    def add(self, record: TrainingRecord) -> None:
        if self._in_parts:
            self._told[record.key] = record
        self._add(record)
        if len(self._told) > _TOLD_TIMES * self._records_max:  # most of them are let go of by now
            held = {each.key for each in self.records()}
            self._told = {key: told for key, told in self._told.items() if key in held}

    def _add(self, record: TrainingRecord) -> None:
        if self.kept_all and len(self._waiting) < self._records_max:
            self._waiting.append(record)
            return
        self.kept_all = False
        for each in (*self._waiting, record):
            self._place(self._told.get(each.key, each))
        self._waiting = []
        while len(self._held) > self._records_max:
            self._shrink()

    def records(self) -> list[TrainingRecord]:
        held = [*self._waiting, *(record for _, _, record in self._held)]
        return [self._told.get(record.key, record) for record in held]

    def _place(self, record: TrainingRecord) -> None:
        group = self._group(record)
        if group is not None:
            self.counts[group] += 1
            if len(self.counts) > _VALUES_MAX:  # of so many, values seen once tell nothing
                self.counts = Counter({v: count for v, count in self.counts.items() if count > 1})
        whole = group is not None and group not in self._split
        place = _hash(group if whole and group is not None else f"\0{record.key}")
        if place < self._bound:
            self._held.append((place, group if whole else None, record))
        else:
            self._told.pop(record.key, None)

    def _shrink(self) -> None:
        bound = self._bound * _SHRINK // 100
        left = [each for each in self._held if each[0] < bound]
        groups = Counter(group for _, group, _ in self._held if group is not None)
        if not groups or 2 * len(left) >= len(self._held):
            self._bound, self._held = bound, left
            return
        largest = max(groups, key=lambda group: (groups[group], group))
        self._split.add(largest)
        again = [record for _, group, record in self._held if group == largest]
        self._held = [each for each in self._held if each[1] != largest]
        for record in again:
            place = _hash(f"\0{record.key}")
            if place < bound:
                self._held.append((place, None, record))

    def _group(self, record: TrainingRecord) -> str | None:
        if self.column is None:
            return None
        value = derive(record.values, self._spec).get(self.column)
        return value if isinstance(value, str) else None


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
