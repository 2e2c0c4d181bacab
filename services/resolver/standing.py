"""What a worker works with: the active model, rules and segments, read again when they change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.identity.domain.errors import UsageError
from services.identity.domain.identifiers import IdentityRules, rules_for
from services.identity.domain.ladder import COMPONENT_UNITS_MAX
from services.identity.domain.merge_policy import MergePolicy
from services.identity.domain.ruleset import Ruleset, read_ruleset
from services.identity.domain.source import Source
from services.identity.domain.value_word import limits_said
from services.identity.store import ActiveVersions, Reading
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer
from services.resolver.derive import Deriver
from services.resolver.resolve.burden import BURDEN_MAX
from services.resolver.resolve.decided import Foresight
from services.resolver.resolve.engine import COMPONENT_RECORDS_MAX, Engine
from services.resolver.resolve.memory import PAIRS_KEPT_MIN
from services.resolver.segments.shared import SHARED_ROWS_MAX
from services.segments.definition import parse_segment
from services.segments.evaluate import Evaluator


@dataclass
class Standing:
    """Compiled tools by the version of what they were made from. One worker's; not for threads.

    Rules come from the home, so that every worker of it has the same; `generic_holders_max`,
    `blast_records_max`, `merge_policy` and `profile_records_max` take the place of what they say,
    for tests.
    """

    generic_holders_max: int | None = None
    blast_records_max: int | None = None
    merge_policy: MergePolicy | None = None
    profile_records_max: int | None = None
    component_units_max: int = COMPONENT_UNITS_MAX
    component_records_max: int = COMPONENT_RECORDS_MAX
    burden_max: int = BURDEN_MAX
    pairs_kept_min: int = PAIRS_KEPT_MIN
    shared_rows_max: int = SHARED_ROWS_MAX
    scorer: PairScorer | None = None
    _model: LinkageModel | None = field(default=None, init=False)
    _rules: Ruleset = field(default_factory=Ruleset, init=False)
    _rules_version: str | None = field(default=None, init=False)
    _said: Mapping[int, int] = field(default_factory=dict, init=False)
    _words_read: int = field(default=0, init=False)
    _foresight: Foresight = field(default_factory=Foresight, init=False)
    _evaluator: Evaluator | None = field(default=None, init=False)
    _segments: object = field(default=None, init=False)

    def another(self) -> "Standing":
        """The same limits for another thread, whose tools are its own."""
        return replace(self, scorer=None)

    def deriver(self, tx: Reading, sources: Mapping[str, Source]) -> Deriver:
        """For the model that is active as of this transaction."""
        active = _active(tx)
        rules = self._rules_for(tx, active).identity
        return self._deriver(self._model_for(tx, active), rules, sources)

    def _deriver(
        self, model: LinkageModel, declared: IdentityRules, sources: Mapping[str, Source]
    ) -> Deriver:
        if self._said:
            declared = replace(declared, said=self._said)
        if self.generic_holders_max is not None:
            declared = replace(declared, generic_holders_max=self.generic_holders_max)
        if self.blast_records_max is not None:
            declared = replace(declared, blast_records_max=self.blast_records_max)
        if self.merge_policy is not None:
            declared = replace(declared, merge_policy=self.merge_policy)
        if self.profile_records_max is not None:
            declared = replace(declared, profile_records_max=self.profile_records_max)
        return Deriver(model, rules_for(sources.values(), declared=declared))

    def engine(self, tx: Reading) -> Engine:
        sources = tx.sources()
        active = _active(tx)
        scorer = self._scorer_for(self._model_for(tx, active))
        rules = self._rules_for(tx, active)
        return Engine(
            scorer=scorer,
            deriver=self._deriver(scorer.model, rules.identity, sources),
            value_words=active.value_words,
            survivorship=rules.survivorship,
            evaluator=self._evaluator_for(tx, sources),
            sources=sources,
            foresight=self._foresight,
            component_units_max=self.component_units_max,
            component_records_max=self.component_records_max,
            burden_max=self.burden_max,
            pairs_kept_min=self.pairs_kept_min,
            shared_rows_max=self.shared_rows_max,
        )

    def _rules_for(self, tx: Reading, active: ActiveVersions) -> Ruleset:
        if self._rules_version != active.rules:
            self._rules = (
                read_ruleset(tx.ruleset_document(active.rules)) if active.rules else Ruleset()
            )
            self._rules_version = active.rules
        if self._words_read != active.value_words:
            self._said = limits_said(tx.value_words())
            self._words_read = active.value_words
        return self._rules

    def _model_for(self, tx: Reading, active: ActiveVersions) -> LinkageModel:
        version = active.model
        if self.scorer is not None and self.scorer.model.version == version:
            return self.scorer.model
        if self._model is None or self._model.version != version:
            self._model = LinkageModel.from_json(tx.model_document(version).decode())
        return self._model

    def _scorer_for(self, model: LinkageModel) -> PairScorer:
        if self.scorer is None or self.scorer.model.version != model.version:
            if self.scorer is not None:
                self.scorer.close()
            self.scorer = PairScorer(model)
        return self.scorer

    def _evaluator_for(self, tx: Reading, sources: Mapping[str, Source]) -> Evaluator:
        documents = tx.segment_documents()
        channels = {name: source.channel for name, source in sources.items()}
        seen = (documents, channels)
        if self._evaluator is None or self._segments != seen:
            definitions = [parse_segment(document) for document, _ in documents]
            self._evaluator = Evaluator(definitions, channels=channels)
            self._segments = seen
        return self._evaluator


def _active(tx: Reading) -> ActiveVersions:
    """Which model and rules are active, until the transaction ends. Raises UsageError for none."""
    active = tx.active_versions()
    if active is None:
        raise UsageError("this home has no active model; run `plait up` or `plait train`")
    return active
