"""EM sessions: which exact agreements single out pairs that are mostly matches, and what they say.

A session is drawn from the pairs that agree exactly on two comparisons (its rule). Those two are
left out of its EM run, so every comparison is learned where something else chose the pairs.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.linkage.training.em import Expectation, Household, maximise, smoothed
from services.linkage.training.pairs import (
    Blocks,
    Coded,
    Ints,
    Vectors,
    blocks_of,
    conjunction,
    pairs_in,
    sample_blocks,
)
from services.linkage.training.parameters import Parameters
from services.linkage.training.prior import SessionMatches

PSEUDO_COUNT = 50.0
_SESSIONS_MAX = 8
_COVERED_ENOUGH = 3  # sessions that have taught a comparison
_PAIRS_MAX = 100_000
_PAIRS_MIN = 30
_EXCESS_MIN = 0.3  # share of a rule's pairs that chance does not explain
_BLOCK_MAX = 2_000
_VECTORS_MIN = 10
_TRUSTED = 0.4  # a session with fewer matches only serves comparisons nothing else covers
_SEED = 7
_RULE_COMPARISONS_MAX = 24  # the most telling ones: a hundred columns would make 4,950 rules
_SIZE_FREE = 2**62

Allowed = Callable[[Ints, Ints], npt.NDArray[np.bool_]]
"""Which pairs may match at all: two records of a source declared unique never do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Two comparisons that must agree exactly; the pairs that do, and those chance explains."""

    comparisons: tuple[int, int]
    pair_count: int
    by_chance: float
    blocks: Blocks

    @property
    def excess(self) -> float:
        return self.pair_count - self.by_chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A rule's pairs, drawn and compared. `pair_count` is the rule's, without forbidden pairs."""

    rule: tuple[int, int]
    vectors: Vectors
    pair_count: float
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one session taught: its rule, its share of matches, the matches that share its rule."""

    session: Session
    expectation: Expectation

    @property
    def trusted(self) -> bool:
        return self.expectation.match_share >= _TRUSTED

    @property
    def matches(self) -> SessionMatches:
        found = self.session.pair_count * self.expectation.match_share
        return SessionMatches(rule=self.session.rule, matches=found)


def choose_rules(
    values: Mapping[int, Coded],
    *,
    comparisons: Collection[int],
    shared: Collection[int],
    record_count: int,
) -> list[Rule]:
    """The rules worth a session, chosen greedily until every comparison is covered.

    `values` are the exact values of the comparisons that may stand in a rule. A rule only of
    `shared` comparisons comes last: households satisfy it as well as persons do.
    """
    pair_count = record_count * (record_count - 1) / 2
    chance = {j: _chance(coded, pair_count) for j, coded in values.items()}
    telling = sorted(
        (j for j in values if chance[j] > 0),
        key=lambda j: (chance[j] / max(len(values[j].rows), 1) ** 2, j),
    )[:_RULE_COMPARISONS_MAX]
    rules = []
    for first, second in itertools.combinations(sorted(telling), 2):
        coded = conjunction([values[first], values[second]], record_count=record_count)
        blocks = blocks_of(coded, size_max=_SIZE_FREE)
        by_chance = pair_count * chance[first] * chance[second]
        rule = Rule(
            comparisons=(first, second),
            pair_count=blocks.pair_count,
            by_chance=by_chance,
            blocks=blocks,
        )
        if rule.pair_count >= _PAIRS_MIN and rule.excess >= _EXCESS_MIN * rule.pair_count:
            rules.append(rule)
    rules.sort(key=lambda r: (shared_only(r, shared), -r.excess, r.comparisons))
    return _cover(rules, comparisons)


def shared_only(rule: Rule, shared: Collection[int]) -> bool:
    return all(j in shared for j in rule.comparisons)


def _chance(coded: Coded, pair_count: float) -> float:
    """The share of all pairs that agree exactly."""
    sizes = np.bincount(coded.codes).astype(np.float64)
    return float((sizes * (sizes - 1) / 2).sum() / max(pair_count, 1.0))


def _cover(rules: Sequence[Rule], comparisons: Collection[int]) -> list[Rule]:
    covered = dict.fromkeys(comparisons, 0)
    chosen: list[Rule] = []
    for rule in rules:
        taught = [j for j in covered if j not in rule.comparisons]
        if len(chosen) < _SESSIONS_MAX and any(covered[j] < _COVERED_ENOUGH for j in taught):
            chosen.append(rule)
            for j in taught:
                covered[j] += 1
    return chosen


def draw_sessions(
    rules: Sequence[Rule], *, compare: Callable[[Ints, Ints], Vectors], allowed: Allowed
) -> list[Session]:
    """Draw and compare each rule's pairs, whole blocks at random."""
    rng = np.random.default_rng(_SEED)
    sessions = []
    for rule in rules:
        blocks = rule.blocks
        bounded = blocks.sizes <= _BLOCK_MAX
        blocks = replace(blocks, starts=blocks.starts[bounded], sizes=blocks.sizes[bounded])
        sample, _ = sample_blocks(blocks, pairs_max=_PAIRS_MAX, rng=rng)
        left, right = pairs_in(sample)
        kept = allowed(left, right)
        if int(kept.sum()) < _VECTORS_MIN:
            continue
        sessions.append(
            Session(
                rule=rule.comparisons,
                vectors=compare(left[kept], right[kept]),
                pair_count=rule.pair_count * float(kept.mean()),
                start=min(max(rule.excess / rule.pair_count, 0.05), 0.95),
            )
        )
    return sessions


def learn(
    sessions: Sequence[Session], parameters: Parameters, *, household: Household
) -> tuple[Parameters, list[SessionMatches], list[Lesson]]:
    """Run EM in every session and pool the matches it expects.

    `household` says on which comparisons relatives agree. Returns the new m, the
    trusted sessions' counts of matches (for the prior), and all lessons.
    """
    used = parameters.used
    lessons = []
    for session in sessions:
        free = [j for j in range(len(used)) if used[j] and j not in session.rule]
        if not free:
            continue
        expectation = maximise(
            session.vectors,
            free=free,
            m=parameters.m,
            u=parameters.u,
            default_m=parameters.default_m,
            start=session.start,
            pseudo_count=PSEUDO_COUNT,
            household=household,
        )
        lessons.append(Lesson(session=session, expectation=expectation))
    lessons.sort(key=lambda lesson: -lesson.expectation.match_share)
    return (
        _pool(lessons, parameters),
        [lesson.matches for lesson in lessons if lesson.trusted],
        lessons,
    )


def _pool(lessons: Sequence[Lesson], parameters: Parameters) -> Parameters:
    expected = [np.zeros(len(m)) for m in parameters.default_m]
    matches = [0.0] * len(expected)
    taught = [False] * len(expected)
    for lesson in lessons:
        levels = lesson.expectation.expected
        serves = [j for j in levels if lesson.trusted or not taught[j]]
        for j in serves:
            expected[j] = expected[j] + levels[j]
            matches[j] += lesson.expectation.match_share * len(lesson.session.vectors)
            taught[j] = True
    m, known = [], []
    for j, counts in enumerate(expected):
        m.append(smoothed(counts, parameters.default_m[j], PSEUDO_COUNT))
        usual = parameters.known[j] ** 0.5  # as if a match were known as often as its two records
        share = (float(counts.sum()) + 2 * usual) / (matches[j] + 2) if matches[j] else usual
        known.append(share)
    return replace(parameters, m=tuple(m), known_in_matches=tuple(known))
