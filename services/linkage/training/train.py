"""Learning a whole linkage model from records without labels: the one entry to this package.

Records are sorted by key first and every draw has a fixed seed, so that the order in which records
come in changes nothing (tests/unit/linkage/training/test_train.py).
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.identity.domain.errors import UsageError
from services.identity.domain.kinds import MATCHING, Kind
from services.linkage.features import FeatureSpec
from services.linkage.heap import give_back
from services.linkage.levels import ComparisonKind
from services.linkage.model import LinkageModel
from services.linkage.survey import survey
from services.linkage.training.choose_keys import (
    ChosenKeys,
    KeyBudget,
    MatchProbability,
    draft_keys,
)
from services.linkage.training.frequencies import FLOORS
from services.linkage.training.key_sample import Base
from services.linkage.training.learn import Learned, learn_again, learn_parameters
from services.linkage.training.pairs import Floats, Ints
from services.linkage.training.parameters import probability
from services.linkage.training.records import Texts, TrainingRecord
from services.linkage.training.refine import fitted_model, refine
from services.linkage.training.report import report
from services.linkage.training.sample import Sample, sample_records
from services.linkage.training.settle_keys import settle_keys
from services.linkage.training.tokens import training_tokens
from services.linkage.training.workbench import (
    Compared,
    Workbench,
    for_larger_base,
    for_whole_base,
)

RECORDS_MAX = 200_000
FIELDS_MAX = 200
_TOLD_EVERY = 100_000  # records
DEFAULT_BUDGET = KeyBudget()

Fields = tuple[tuple[str, Kind], ...]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model, and the report that says where it comes from as plain JSON values."""

    model: LinkageModel
    report: dict[str, Any]


def train(  # noqa: PLR0913 - what a training run can be told
    records: Iterable[TrainingRecord],
    fields: Fields,
    *,
    unique_sources: Collection[str] = frozenset(),
    records_max: int = RECORDS_MAX,
    progress: Progress | None = None,
    floors: Mapping[ComparisonKind, int] = FLOORS,
    budget: KeyBudget = DEFAULT_BUDGET,
    base_size: int | None = None,
    in_parts: bool = False,
    drawn_from: int | None = None,
) -> Trained:
    """Learn blocking keys, u, m, the prior, term frequencies and the household share.

    `records` are read once, and no more than records_max are held; with `in_parts` one may come in
    several parts. `drawn_from` says of how many records these are some people, whole; they are all
    without. `unique_sources` hold every person once at most. `base_size` says how many records the
    model will meet, where these are only the first of them. Raises UsageError where
    there is nothing to learn from: fewer than two records, no field that takes part in matching, no
    value in any; and for a base_size smaller than the records.
    """
    tell = progress or (lambda _: None)
    _check_fields(fields)
    sample = sample_records(
        _counted(records, tell),
        FeatureSpec(fields=fields),
        records_max=records_max,
        in_parts=in_parts,
    )
    _check(sample, fields)
    size = _size(sample, drawn_from, base_size)
    tell(f"learning from {sample.taken:,} of {size.records:,} records")
    bench = _workbench(sample, fields, unique_sources=unique_sources, floors=floors)
    del sample  # whose records stand by column now
    gc.collect()  # what was read had cycles: 60 MB of 200,000 records
    give_back()
    return _train(bench, size, tell=tell, budget=budget)


def _counted(records: Iterable[TrainingRecord], tell: Progress) -> Iterator[TrainingRecord]:
    """The same, telling how far it has come."""
    for number, record in enumerate(records, 1):
        yield record
        if number % _TOLD_EVERY == 0:
            tell(f"{number} records read")


def _check_fields(fields: Fields) -> None:
    if not fields:
        raise UsageError(
            "nothing was loaded that says anything of people: `plait load` a file first, or learn"
            " from one with `plait train --file`"
        )
    if not any(kind in MATCHING for _, kind in fields):
        raise UsageError("no column has a kind that takes part in matching; see docs/mapping.md")
    if len(fields) > FIELDS_MAX:
        raise UsageError(f"at most {FIELDS_MAX} fields take part in matching; ignore some")


def _check(sample: Sample, fields: Fields) -> None:
    if sample.seen < 2:  # noqa: PLR2004 - a pair needs two
        raise UsageError("training needs at least two records")
    if len({record.key for record in sample.records}) < sample.taken:
        raise UsageError("two training records have one key")
    matching = {name for name, kind in fields if kind in MATCHING}
    if not any(name in matching for record in sample.records for name in record.values):
        raise UsageError("no record has a value in a field that takes part in matching")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """How many records there are, how many the model is for, and times how many it learns from."""

    records: int
    base: int
    times: float


def _size(sample: Sample, drawn_from: int | None, base_size: int | None) -> _Size:
    records = max(drawn_from or 0, sample.seen)
    base = records if base_size is None else base_size
    if base < records:
        raise UsageError(f"there are {records} records already; state a larger base or none")
    return _Size(records=records, base=base, times=base / sample.seen)


def _workbench(
    sample: Sample,
    fields: Fields,
    *,
    unique_sources: Collection[str],
    floors: Mapping[ComparisonKind, int],
) -> Workbench:
    used = {name for record in sample.records for name in record.values}
    filled = tuple((name, kind) for name, kind in fields if name in used)
    bench = Workbench(
        sample,
        survey(Texts(sample.records), filled),
        unique_sources=unique_sources,
        floors=floors,
    )
    if not bench.comparisons:
        raise UsageError("none of the fields gives a comparison; a name or an e-mail would")
    return bench


def _train(bench: Workbench, size: _Size, *, tell: Progress, budget: KeyBudget) -> Trained:
    sample = bench.sample
    tell("learning m and u")
    learned = learn_parameters(
        bench.compare,
        default_m=[comparison.default_m for comparison in bench.comparisons],
        exact_values=bench.exact_values(),
        shared=bench.not_personal(),
        household=bench.of_household(),
        record_count=bench.record_count,
        allowed=bench.allowed,
    )
    give_back()
    tell("choosing blocking keys")
    learned, chosen = _choose(bench, learned, budget, times=size.times)
    give_back()
    tell(f"clustering {len(chosen.left)} pairs")
    refined = refine(bench, learned, chosen)
    model = for_whole_base(refined.model, refined.parameters, sample)
    if size.times > 1:
        model = for_larger_base(model, size.times)
    return Trained(
        model=model,
        report=report(
            model,
            records_trained_on=sample.taken,
            records=size.records,
            base_size=size.base,
            learned=learned,
            chosen=chosen,
            rounds=refined.rounds,
            calibration=refined.calibration,
        ),
    )


def _choose(
    bench: Workbench, learned: Learned, budget: KeyBudget, *, times: float
) -> tuple[Learned, ChosenKeys]:
    """A first choice, then relatives fitted to its pairs, and with them the final one.

    Where those relatives are seen to share a category, all is learned again: matches that differ in
    given name and birth date but agree in it were relatives.
    """
    parameters = learned.parameters
    model = bench.model(parameters)
    compared = Compared(bench)
    draft = draft_keys(
        training_tokens(bench.features, bench.spec),
        record_count=bench.record_count,
        block_limit=model.block_limit,
        base=Base(fraction=bench.sample.fraction, whole=bench.sample.column, times=times),
        matches_expected=parameters.match_share * bench.pair_count,
        allowed=bench.allowed,
        match_probability=_match_probability(compared, model),
        budget=budget,
    )
    first = draft.first_pairs()
    vectors = compared.vectors(first.left, first.right)
    knows_relatives = fitted_model(bench, parameters, first, vectors)
    if seen := bench.categories(knows_relatives.contact_shares):
        learned = learn_again(
            learned, household=bench.of_household(seen), record_count=bench.record_count
        )
        knows_relatives = fitted_model(bench, learned.parameters, first, vectors)
    return learned, settle_keys(draft, first, _match_probability(compared, knows_relatives))


def _match_probability(compared: Compared, model: LinkageModel) -> MatchProbability:
    def of(left: Ints, right: Ints) -> Floats:
        vectors = compared.vectors(left, right)
        return probability(compared.bench.match_weights(left, right, vectors, model))

    return of
