"""Everything a batch is resolved with, frozen together: model, rules, scorer, segments."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import RecordKey
from services.identity.domain.ladder import COMPONENT_UNITS_MAX
from services.identity.domain.source import Source
from services.identity.domain.survivorship import Survivorship
from services.identity.store import StoredRecord, Transaction
from services.linkage.features import Features
from services.linkage.score import PairScorer, totals
from services.resolver.derive import Deriver, decode_features
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.cluster import ClusterContext
from services.resolver.resolve.edges import decisive_keys, encode_vectors
from services.resolver.resolve.memory import PairMemory, Weighed, digest_of
from services.segments.evaluate import Evaluator

COMPONENT_RECORDS_MAX = 10_000  # a larger component is set aside for a job of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Of each pair its encoded comparison vector and its total weight."""

    vectors: Sequence[bytes] = ()
    totals: Sequence[int] = ()


@dataclass
class Known:
    """Records read so far in a batch, with what is derived from them."""

    rules: IdentityRules
    records: dict[int, StoredRecord] = field(default_factory=dict)
    features: dict[int, Features] = field(default_factory=dict)
    decisive: dict[int, Mapping[str, int]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)

    def add(self, records: Iterable[StoredRecord]) -> None:
        for record in records:
            self.records[record.number] = record
            self.features[record.number] = decode_features(record.features)
            self.digests[record.number] = digest_of(record.features)
            self.decisive[record.number] = decisive_keys(record, self.rules)

    def key_of(self, number: int) -> RecordKey:
        return self.records[number].key

    def decisive_without_generic(
        self, tx: Transaction, numbers: Collection[int]
    ) -> dict[int, frozenset[str]]:
        """The decisive identifiers of records, less those that too many records hold."""
        keys = {key for number in numbers for key in self.decisive[number].values()}
        generic = tx.generic_among(sorted(keys)) if keys else frozenset()
        return {
            number: frozenset(t for t, key in self.decisive[number].items() if key not in generic)
            for number in numbers
        }


class Engine:
    """One worker's tools for one model version; made again when the model or a segment changes."""

    def __init__(
        self,
        *,
        scorer: PairScorer,
        deriver: Deriver,
        survivorship: Survivorship,
        evaluator: Evaluator,
        sources: Mapping[str, Source],
        memory: PairMemory | None = None,
        component_units_max: int = COMPONENT_UNITS_MAX,
        component_records_max: int = COMPONENT_RECORDS_MAX,
    ) -> None:
        self.scorer = scorer
        self.deriver = deriver
        self.survivorship = survivorship
        self.evaluator = evaluator
        self.sources = sources
        self._memory = memory or PairMemory()
        self.component_records_max = component_records_max
        self.context = ClusterContext(
            model=deriver.model,
            rules=deriver.rules,
            sources=sources,
            units_max=component_units_max,
        )

    def may_pair(self, known: Known, a: int, b: int) -> bool:
        """Empty records pair with none; those of a unique source not with their own."""
        left, right = known.records[a], known.records[b]
        if left.state.is_empty or right.state.is_empty:
            return False
        if left.key.source != right.key.source:
            return True
        source = self.sources.get(left.key.source)
        return source is None or not source.unique

    def score(self, known: Known, pairs: Sequence[Pair]) -> Scored:
        """What pairs of records by number weigh; only those not known from before are scored."""
        weighed = [self._memory.find((a, b), known.digests[a], known.digests[b]) for a, b in pairs]
        new = [pair for pair, each in zip(pairs, weighed, strict=True) if each is None]
        scored = self._score(known, new)
        fresh = iter(zip(scored.vectors, scored.totals, strict=True))
        vectors: list[bytes] = []
        weights: list[int] = []
        for (a, b), each in zip(pairs, weighed, strict=True):
            vector, total = (each.vector, each.total) if each is not None else next(fresh)
            if each is None:
                row = Weighed(known.digests[a], known.digests[b], vector, total)
                self._memory.keep((a, b), row)
            vectors.append(vector)
            weights.append(total)
        return Scored(vectors=vectors, totals=weights)

    def _score(self, known: Known, pairs: Sequence[Pair]) -> Scored:
        """The smaller record key always stands on the left."""
        if not pairs:
            return Scored()
        numbers = sorted({number for pair in pairs for number in pair}, key=known.key_of)
        place = {number: index for index, number in enumerate(numbers)}
        ends = np.array([sorted((place[a], place[b])) for a, b in pairs], dtype=np.int64)
        scored = self.scorer.score([known.features[n] for n in numbers], ends[:, 0], ends[:, 1])
        return Scored(
            vectors=encode_vectors(scored), totals=totals(scored, self.deriver.model).tolist()
        )
