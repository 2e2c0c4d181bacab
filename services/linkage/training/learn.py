"""m, u and the prior from unlabelled records: random pairs, EM sessions, three passes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from services.linkage.training.em import Household
from services.linkage.training.estimate_u import (
    RANDOM_PAIRS_MAX,
    RANDOM_PAIRS_SEED,
    estimate_u,
    refine_u,
)
from services.linkage.training.pairs import Coded, Ints, Vectors, random_pairs
from services.linkage.training.parameters import Parameters, initial_parameters
from services.linkage.training.prior import estimates, match_share
from services.linkage.training.sessions import (
    Allowed,
    Lesson,
    Session,
    choose_rules,
    draw_sessions,
    learn,
)

_PASSES = 3  # u needs m and the prior to leave the matches out; they need u


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """`random_vectors` stay for later estimates of u; `match_counts` are the sessions' guesses."""

    parameters: Parameters
    random_vectors: Vectors
    lessons: tuple[Lesson, ...]
    match_counts: tuple[float, ...]


def learn_parameters(
    compare: Callable[[Ints, Ints], Vectors],
    *,
    default_m: Sequence[Sequence[float]],
    exact_values: Mapping[int, Coded],
    shared: Collection[int],
    household: Household,
    record_count: int,
    allowed: Allowed,
) -> Learned:
    """Learn from pairs that `compare` turns into vectors.

    `exact_values` are the values of the comparisons a session's rule may use, `shared` those that
    two people can have in common, `household` those that relatives have in common.
    """
    left, right = random_pairs(record_count, pairs_max=RANDOM_PAIRS_MAX, seed=RANDOM_PAIRS_SEED)
    random_vectors = compare(left, right)
    parameters = estimate_u(random_vectors, initial_parameters(default_m))
    used = [j for j, is_used in enumerate(parameters.used) if is_used]
    rules = choose_rules(
        {j: exact_values[j] for j in used if j in exact_values},
        comparisons=used,
        shared=shared,
        record_count=record_count,
    )
    return _learn(
        draw_sessions(rules, compare=compare, allowed=allowed),
        random_vectors,
        parameters,
        household=household,
        record_count=record_count,
    )


def learn_again(learned: Learned, *, household: Household, record_count: int) -> Learned:
    """The same pairs, with more that relatives have in common."""
    start = initial_parameters([m.tolist() for m in learned.parameters.default_m])
    return _learn(
        [lesson.session for lesson in learned.lessons],
        learned.random_vectors,
        estimate_u(learned.random_vectors, start),
        household=household,
        record_count=record_count,
    )


def _learn(
    sessions: Sequence[Session],
    random_vectors: Vectors,
    parameters: Parameters,
    *,
    household: Household,
    record_count: int,
) -> Learned:
    pair_count = record_count * (record_count - 1) / 2
    lessons: list[Lesson] = []
    counts: list[float] = []
    for _ in range(_PASSES):
        parameters, matches, lessons = learn(sessions, parameters, household=household)
        counts = estimates(matches, parameters)
        share = match_share(matches, parameters, record_count=record_count, pair_count=pair_count)
        parameters = refine_u(random_vectors, replace(parameters, match_share=share))
    return Learned(
        parameters=parameters,
        random_vectors=random_vectors,
        lessons=tuple(lessons),
        match_counts=tuple(counts),
    )
