"""A component read whole and worked through again, as far as bounds allow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.identity.domain.cluster import anchored_id
from services.identity.domain.explained import Bounded, Standpoint
from services.identity.domain.ids import ProfileId, RecordKey
from services.identity.store import Reading, StoredRecord
from services.resolver.explaining.replayed import Replayed
from services.resolver.resolve.cluster import Case, Plan, parts_asked, weighed_in
from services.resolver.resolve.decided import Decided, decided
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.inner import weigh_missing
from services.resolver.resolve.known import Known
from services.resolver.resolve.word import SILENCE, Word

RECORDS_MAX = 2_000  # a larger component is not worked through: its edges alone fill memory
PAIRS_MAX = 100_000  # two seconds of scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of one component is worked through to explain two of its records."""

    records_max: int = RECORDS_MAX
    pairs_max: int = PAIRS_MAX


class Component:
    """The component of one record today, and what of it is clustered with that record.

    `whole` is None where it is beyond the bounds. `said` is what stewards decided in it.
    """

    def __init__(self, tx: Reading, engine: Engine, number: int, bounds: Bounds) -> None:
        self._tx = tx
        self.engine = engine
        self._bounds = bounds
        member = tx.memberships([number])[number]
        self.id, self.step = member.component, member.step
        members = tx.members([self.id])
        self.profiles: Mapping[int, ProfileId | None] = {m.record: m.profile for m in members}
        self.known = Known(tx, engine.deriver.rules)
        self.bounded: Bounded | None = None
        self.said: Decided | None = None
        self.members: Collection[int] = self.profiles
        self.whole = self._work_through(number)

    def _work_through(self, number: int) -> Replayed | None:
        if len(self.profiles) > self._bounds.records_max:
            self._stop(pairs=0)
            return None
        self.known.read(self.profiles)
        plan = Plan(self._case(number), self.engine.context)
        pairs = sum(_pairs_of([len(unit) for unit in part.units]) for part in plan.parts)
        if pairs > self._bounds.pairs_max:
            self._stop(pairs=pairs)
            return None
        return self.replay(plan)

    def replay(self, plan: Plan) -> Replayed:
        """Some of its records by a plan, all their pairs weighed anew."""
        parts = parts_asked([plan])
        weighed = weighed_in(parts, {}, width=len(plan.context.model.comparisons))
        weigh_missing(self.engine, self.known, weighed)
        return Replayed(plan, parts, weighed)

    def _case(self, number: int) -> Case:
        """As the resolver has it: batch.py."""
        known = self.known
        present = [n for n in self.profiles if not known.records[n].state.is_empty]
        several = present if len(present) > 1 else []
        edges = self._tx.edges_among(several) if several else []
        self.said = decided(self._tx, known.records, members=present) if several else None
        if self.said is not None:
            pairs = [(edge.a, edge.b) for edge in edges]
            parts = self.said.parts(dict.fromkeys(self.profiles, self.id), pairs)
            self.members = [n for n in self.profiles if parts[n] == parts[number]]
        numbers = sorted(set(present).intersection(self.members), key=known.key_of)
        decisive = known.decisive_without_generic(numbers if len(numbers) > 1 else [])
        records = [known.records[n] for n in numbers]
        return Case(
            records=records,
            features=known.features_of(numbers),
            decisive=[decisive.get(n, frozenset()) for n in numbers],
            weights={(edge.a, edge.b): edge.weight for edge in edges},
            vectors={(edge.a, edge.b): edge.vector for edge in edges},
            word=self.word(records),
        )

    def word(self, records: Sequence[StoredRecord]) -> Word:
        """What stewards said of these, which are known by their places."""
        if self.said is None or len(records) == 1:
            return SILENCE
        return self.said.word({record.key: place for place, record in enumerate(records)})

    def _stop(self, *, pairs: int) -> None:
        self.bounded = Bounded(
            records=len(self.profiles),
            records_max=self._bounds.records_max,
            pairs=pairs,
            pairs_max=self._bounds.pairs_max,
        )

    @cached_property
    def place_of(self) -> Mapping[int, int]:
        """Of each record its place in the case; those without events have none."""
        if self.whole is None:
            return {}
        return {record.number: i for i, record in enumerate(self.whole.plan.case.records)}

    def keys(self, places: Sequence[int]) -> list[RecordKey]:
        """The records at these places, in their order."""
        if self.whole is None:
            raise ValueError("what was not worked through has no places")
        return [self.whole.plan.case.records[place].key for place in places]

    def standpoint(self) -> Standpoint:
        return Standpoint(
            settled=self._is_settled(),
            component_records=len(self.profiles),
            bounded=self.bounded,
        )

    def _is_settled(self) -> bool:
        """Whether what was worked out again is what is stored; unknown is not settled."""
        if self.whole is None:
            return False
        records = self.known.records
        return all(
            self.profiles[number]
            == anchored_id((records[n].key, records[n].state.dated_from) for n in outcome.records)
            for outcome in self.whole.clustered.outcomes
            for number in outcome.records
        )


def _pairs_of(sizes: Sequence[int]) -> int:
    """The pairs of records of different units."""
    total = sum(sizes)
    return (total * total - sum(size * size for size in sizes)) // 2
