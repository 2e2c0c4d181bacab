"""Everything a batch is resolved with, frozen together: model, rules, scorer, segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from services.identity.domain.connected import distinct
from services.identity.domain.ladder import COMPONENT_UNITS_MAX, Ladder
from services.identity.domain.source import Source
from services.identity.domain.survivorship import Survivorship
from services.identity.store import Reading, RestartBatch
from services.linkage.score import PairScorer, PairWeights, totals
from services.resolver.derive import Deriver
from services.resolver.resolve.burden import BURDEN_MAX
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.cluster import ClusterContext
from services.resolver.resolve.decided import Foresight
from services.resolver.resolve.edges import encode_vectors, mark_nulls
from services.resolver.resolve.known import Known
from services.resolver.resolve.memory import PAIRS_KEPT_MIN
from services.resolver.resolve.weighed import Numbers, Vectors
from services.resolver.segments.shared import SHARED_ROWS_MAX
from services.segments.evaluate import Evaluator

COMPONENT_RECORDS_MAX = 10_000  # a larger component is set aside for a job of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Of each pair its encoded comparison vector and its total weight."""

    vectors: Sequence[bytes] = ()
    totals: Sequence[int] = ()


class Engine:
    """One worker's tools for one model version; made again when the model or a segment changes."""

    def __init__(  # noqa: PLR0913  # what an engine is made of, each by its name
        self,
        *,
        scorer: PairScorer,
        deriver: Deriver,
        survivorship: Survivorship,
        evaluator: Evaluator,
        sources: Mapping[str, Source],
        foresight: Foresight | None = None,
        component_units_max: int = COMPONENT_UNITS_MAX,
        component_records_max: int = COMPONENT_RECORDS_MAX,
        burden_max: int = BURDEN_MAX,
        pairs_kept_min: int = PAIRS_KEPT_MIN,
        shared_rows_max: int = SHARED_ROWS_MAX,
        value_words: int = 0,
    ) -> None:
        self.scorer = scorer
        self.deriver = deriver
        self.survivorship = survivorship
        self.evaluator = evaluator
        self.sources = sources
        self.foresight = foresight or Foresight()
        self.component_records_max = component_records_max
        self.burden_max = burden_max
        self.pairs_kept_min = pairs_kept_min
        self.shared_rows_max = shared_rows_max
        self.value_words = value_words  # which were known when this was made
        self.context = ClusterContext(
            model=deriver.model,
            rules=deriver.rules,
            sources=sources,
            ladder=Ladder(
                floor=deriver.model.edge_floor_units,
                units_max=component_units_max,
                # A block no larger than any part costs no more: there the limits decide.
                block_max=max(deriver.rules.profile_records_max, component_units_max),
            ),
        )

    def check_words(self, tx: Reading) -> None:
        """Raises RestartBatch where a word on a value landed after this was made."""
        now = tx.active_versions()
        if now is not None and now.value_words != self.value_words:
            raise RestartBatch("a steward spoke of a value while this batch began")

    @property
    def may_all_pair(self) -> bool:
        """Whether no source is unique within itself."""
        return not any(source.unique for source in self.sources.values())

    def may_pair(self, known: Known, a: int, b: int) -> bool:
        """Records of a source that is unique within itself pair with no other of it."""
        left, right = known.key_of(a).source, known.key_of(b).source
        if left != right:
            return True
        source = self.sources.get(left)
        return source is None or not source.unique

    def score(self, known: Known, pairs: Sequence[Pair]) -> Scored:
        """What pairs of records by number weigh. The smaller record key stands on the left."""
        if not pairs:
            return Scored()
        found = np.fromiter(chain.from_iterable(pairs), dtype=np.int64, count=2 * len(pairs))
        numbers = distinct(found)
        ends = np.searchsorted(numbers, found).reshape(-1, 2)
        scored = self._score(known, numbers.tolist(), ends)
        return Scored(
            vectors=encode_vectors(scored), totals=totals(scored, self.deriver.model).tolist()
        )

    def weigh(self, known: Known, numbers: Sequence[int], ends: Numbers) -> Vectors:
        """The vectors of many pairs of these records; `ends` are their places."""
        return mark_nulls(self._score(known, numbers, ends))

    def _score(self, known: Known, numbers: Sequence[int], ends: Numbers) -> PairWeights:
        keys = known.keys_of(numbers)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        place = np.argsort(order)  # of each record, where its key stands
        ends = np.sort(place[ends], axis=1)
        features = known.features_of([numbers[at] for at in order])
        return self.scorer.score(features, ends[:, 0], ends[:, 1])
