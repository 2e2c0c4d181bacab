"""The records of one training run, ready to be compared, and what parameters make of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.identity.domain.weights import UNITS_PER_BIT, Kinship, Units
from services.linkage.comparisons import (
    PERHAPS_SHARED_KINDS,
    SHARED_KINDS,
    SOMETIMES_SHARED_KINDS,
    comparisons_for,
)
from services.linkage.levels import ComparisonKind
from services.linkage.model import LinkageModel
from services.linkage.score import FeatureTable, PairWeights, totals
from services.linkage.survey import Survey
from services.linkage.term_frequencies import COUNT_MIN, TermFrequencies
from services.linkage.training.em import Household
from services.linkage.training.frequencies import (
    FLOORS,
    ValueCounts,
    frequencies_for_non_matches,
)
from services.linkage.training.pairs import Coded, Floats, Ints, Vectors, is_among
from services.linkage.training.parameters import Parameters
from services.linkage.training.records import AllowedPairs
from services.linkage.training.sample import Sample

NO_KIN = Kinship()
_NO_RULE = frozenset({ComparisonKind.REST, ComparisonKind.GENERATION})
"""Comparisons whose equality singles out nobody."""


_PAIRS_WEIGHED_AT_ONCE = 250_000


class Workbench:
    """Compares rows by number; rows are in the order of the records' keys."""

    def __init__(
        self,
        sample: Sample,
        surveyed: Survey,
        *,
        unique_sources: Collection[str],
        floors: Mapping[ComparisonKind, int] = FLOORS,
    ) -> None:
        self.features = surveyed.features
        self.spec = surveyed.spec
        self.sample = sample.without_records()
        self.comparisons = comparisons_for(self.spec)
        self.allowed = AllowedPairs(sample.records, unique_sources=unique_sources)
        self.record_count = sample.taken
        self.pair_count = self.record_count * (self.record_count - 1) / 2
        self._floors = floors
        self._counts_of_base = ValueCounts.of(sample.counts)
        self._counted: dict[str, ValueCounts] = {}
        self._table = FeatureTable(self.features, self.spec, self.comparisons)

    def compare(self, left: Ints, right: Ints) -> Vectors:
        return self._table.gammas(left, right)

    def exact_values(self) -> dict[int, Coded]:
        """The values of every comparison that may stand in a session's rule."""
        result = {}
        for j, comparison in enumerate(self.comparisons):
            if comparison.kind in _NO_RULE:
                continue
            codes, _ = self._table.codes(comparison.name)
            rows = np.flatnonzero(codes >= 0)
            result[j] = Coded(rows=rows, codes=codes[rows])
        return result

    def not_personal(self) -> frozenset[int]:
        """Comparisons that two people can have in common: a household's, and categories."""
        return frozenset(
            j
            for j, comparison in enumerate(self.comparisons)
            if comparison.shared or comparison.kind is ComparisonKind.CATEGORY
        )

    def of_household(self, seen: Collection[str] = ()) -> Household:
        """Comparisons on which people who live together agree, and those on which some do.

        `seen` are names of comparisons that relatives were seen to share besides.
        """
        places = list(enumerate(self.comparisons))
        some = frozenset(j for j, c in places if c.kind in SOMETIMES_SHARED_KINDS or c.name in seen)
        all_of_them = frozenset(j for j, c in places if c.kind in SHARED_KINDS)
        return Household(shared=all_of_them | some, contacts=some)

    def categories(self, names: Collection[str]) -> frozenset[str]:
        """Those of these comparisons that relatives share in one base and not in another."""
        return frozenset(
            c.name for c in self.comparisons if c.name in names and c.kind in PERHAPS_SHARED_KINDS
        )

    def weigh(self, left: Ints, right: Ints, vectors: Vectors, model: LinkageModel) -> PairWeights:
        return self._table.weights(
            left,
            right,
            vectors,
            comparisons=model.comparisons,
            term_frequencies=model.term_frequencies,
        )

    def match_weights(
        self, left: Ints, right: Ints, vectors: Vectors, model: LinkageModel
    ) -> Floats:
        """The whole weight of every pair in bits, household cap and prior included."""
        bits: Floats = self.units(left, right, vectors, model) / UNITS_PER_BIT
        return bits

    def units(self, left: Ints, right: Ints, vectors: Vectors, model: LinkageModel) -> Units:
        """The same in integers."""
        result: Units = np.empty(len(left), dtype=np.int64)
        for start in range(0, len(left), _PAIRS_WEIGHED_AT_ONCE):
            some = slice(start, start + _PAIRS_WEIGHED_AT_ONCE)
            weights = self.weigh(left[some], right[some], vectors[some], model)
            result[some] = totals(weights, model)
        return result

    def bits(
        self,
        left: Ints,
        right: Ints,
        vectors: Vectors,
        model: LinkageModel,
        *,
        roles: Sequence[Sequence[bool]],
    ) -> list[Floats]:
        """Of every role, which is some of the comparisons, what these alone are worth."""
        masks = [np.array(role, dtype=np.bool_) for role in roles]
        result: list[Floats] = [np.empty(len(left)) for _ in masks]
        for start in range(0, len(left), _PAIRS_WEIGHED_AT_ONCE):
            some = slice(start, start + _PAIRS_WEIGHED_AT_ONCE)
            weights = self.weigh(left[some], right[some], vectors[some], model).weights
            for of_role, mask in zip(result, masks, strict=True):
                of_role[some] = weights[:, mask].sum(axis=1, dtype=np.int64) / UNITS_PER_BIT
        return result

    def model(
        self,
        parameters: Parameters,
        *,
        kinship: Kinship = NO_KIN,
        keys: Sequence[tuple[str, ...]] = (),
    ) -> LinkageModel:
        """The model these parameters make for the records at hand."""
        share = parameters.match_share
        comparisons = tuple(
            comparison.with_probabilities(m=_tuple(m), u=_tuple(u))
            for comparison, m, u in zip(self.comparisons, parameters.m, parameters.u, strict=True)
        )
        return LinkageModel(
            spec=self.spec,
            comparisons=comparisons,
            prior_weight=float(np.log2(share) - np.log2(1 - share)),
            kinship=kinship,
            term_frequencies=self._term_frequencies(parameters),
            keys=tuple(keys),
        )

    def _term_frequencies(self, parameters: Parameters) -> dict[str, TermFrequencies]:
        result = {}
        for j, comparison in enumerate(self.comparisons):
            for column in {level.tf_column for level in comparison.levels} - {None}:
                is_exact = column == comparison.name
                of_whole_base = column == self.sample.column
                share = parameters.match_share
                result[str(column)] = frequencies_for_non_matches(
                    self._counts_of_base if of_whole_base else self._counts(str(column)),
                    match_share=share * self.sample.fraction if of_whole_base else share,
                    m_exact=float(parameters.m[j][0]),
                    floor=self._floors.get(comparison.kind, 0) if is_exact else 0,
                )
        return dict(sorted(result.items()))

    def _counts(self, column: str) -> ValueCounts:
        if column not in self._counted:
            counts = self.features.counts(column, count_min=COUNT_MIN)
            known = self.features.known(column)
            rare = known - sum(counts.values())
            self._counted[column] = ValueCounts(kept=counts, seen=known, rare=rare)
        return self._counted[column]


class Compared:
    """Pairs compared so far, with their vectors: models differ, what is compared does not."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._pairs: Ints = np.zeros(0, dtype=np.int64)
        self._vectors: Vectors = np.zeros((0, len(bench.comparisons)), dtype=np.int8)

    def vectors(self, left: Ints, right: Ints) -> Vectors:
        """Of distinct pairs; only those not met before are compared."""
        pairs = left * self.bench.record_count + right
        new = ~is_among(pairs, self._pairs)
        if new.any():
            every = np.concatenate((self._pairs, pairs[new]))
            vectors = np.concatenate((self._vectors, self.bench.compare(left[new], right[new])))
            order = np.argsort(every)
            self._pairs, self._vectors = every[order], vectors[order]
        found: Vectors = self._vectors[np.searchsorted(self._pairs, pairs)]
        return found


def for_whole_base(model: LinkageModel, parameters: Parameters, sample: Sample) -> LinkageModel:
    """The same model for the base that the training records were drawn from.

    In a part that holds whole groups of one value, a pair agrees on that value, matches, or lives
    together 1 / fraction times as often as in the base.
    """
    if sample.column is None:
        return model
    number = [comparison.name for comparison in model.comparisons].index(sample.column)
    comparison = model.comparisons[number]
    agree = parameters.known_in_matches[number] * comparison.m[0]
    share = min(parameters.match_share * sample.fraction / max(agree, 0.1), 0.5)
    exact = comparison.u[0] * sample.fraction
    rest = (1 - exact) / (1 - comparison.u[0])
    u = (exact, *(level * rest for level in comparison.u[1:]))
    widened = [*model.comparisons]
    widened[number] = comparison.with_probabilities(u=u)
    return replace(
        model,
        comparisons=tuple(widened),
        prior_weight=float(np.log2(share) - np.log2(1 - share)),
        kinship=Kinship(
            household=model.kinship.household * sample.fraction,
            twins=model.kinship.twins * sample.fraction,
            namesakes=model.kinship.namesakes * sample.fraction,
        ),
    )


def for_larger_base(model: LinkageModel, times: float) -> LinkageModel:
    """The same model for a base that will be so many times as large as the one it was learned on.

    Its records have as many others of one person and of relatives, but a record has that many more
    strangers: so a random pair matches, or lives together, that much less often. What values and
    levels are worth stays.
    """
    share = 1 / (1 + 2**-model.prior_weight) / times
    return replace(
        model,
        prior_weight=float(np.log2(share) - np.log2(1 - share)),
        kinship=Kinship(
            household=model.kinship.household / times,
            twins=model.kinship.twins / times,
            namesakes=model.kinship.namesakes / times,
        ),
    )


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
