"""What a worker works with: the active model, rules and segments, read again when they change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.identity.domain.errors import UsageError
from services.identity.domain.identifiers import GENERIC_HOLDERS_MAX, rules_for
from services.identity.domain.ladder import COMPONENT_UNITS_MAX
from services.identity.domain.source import Source
from services.identity.domain.survivorship import Survivorship
from services.identity.store import Transaction
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from services.resolver.derive import Deriver
from services.resolver.resolve.engine import COMPONENT_RECORDS_MAX, Engine
from services.resolver.resolve.memory import PairMemory
from services.segments.definition import parse_segment
from services.segments.evaluate import Evaluator


@dataclass
class Standing:
    """Compiled tools by the version of what they were made from. One worker's; not for threads.

    The limits are part of the rules version: every worker of a home has the same.
    """

    survivorship: Survivorship = field(default_factory=Survivorship)
    generic_holders_max: int = GENERIC_HOLDERS_MAX
    component_units_max: int = COMPONENT_UNITS_MAX
    component_records_max: int = COMPONENT_RECORDS_MAX
    scorer: PairScorer | None = None
    _model: LinkageModel | None = None
    _memory: PairMemory = field(default_factory=PairMemory)
    _evaluator: Evaluator | None = None
    _segments: object = None

    def deriver(self, tx: Transaction, sources: Mapping[str, Source]) -> Deriver:
        """For the model that is active as of this transaction."""
        rules = rules_for(sources.values(), generic_holders_max=self.generic_holders_max)
        return Deriver(self._model_for(tx), rules)

    def engine(self, tx: Transaction) -> Engine:
        sources = tx.sources()
        return Engine(
            scorer=self._scorer_for(tx),
            deriver=self.deriver(tx, sources),
            survivorship=self.survivorship,
            evaluator=self._evaluator_for(tx, sources),
            sources=sources,
            memory=self._memory,
            component_units_max=self.component_units_max,
            component_records_max=self.component_records_max,
        )

    def _model_for(self, tx: Transaction) -> LinkageModel:
        version = tx.active_model()
        if version is None:
            raise UsageError("this home has no active model; run `plait up` or `plait train`")
        if self.scorer is not None and self.scorer.model.version == version:
            return self.scorer.model
        if self._model is None or self._model.version != version:
            self._model = LinkageModel.from_json(tx.model_document(version).decode())
        return self._model

    def _scorer_for(self, tx: Transaction) -> PairScorer:
        model = self._model_for(tx)
        if self.scorer is None or self.scorer.model.version != model.version:
            if self.scorer is not None:
                self.scorer.close()
            self._memory = PairMemory()
            self.scorer = PairScorer(model)
        return self.scorer

    def _evaluator_for(self, tx: Transaction, sources: Mapping[str, Source]) -> Evaluator:
        documents = tx.segment_documents()
        channels = {name: source.channel for name, source in sources.items()}
        seen = (documents, channels)
        if self._evaluator is None or self._segments != seen:
            definitions = [parse_segment(document) for document, _ in documents]
            self._evaluator = Evaluator(definitions, channels=channels)
            self._segments = seen
        return self._evaluator
