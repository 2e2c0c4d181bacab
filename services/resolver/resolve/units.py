"""Units: records that decisive identifiers join before any weight is asked. Pure.

What a steward called one person comes first, whatever limits and vetoes say. Identifiers join by
priority, then in the order of record keys. A join that would break a limit, a veto or a steward's
word is refused: the identifier is demoted there, with the reason, and the weights decide. What
people may share joins no two who are clearly two people (joint.py).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.merge_limit import Held, MergeLimit
from services.linkage.features import Features
from services.linkage.names import same_generation
from services.resolver.resolve.joint import NOTHING_PERSONAL, Personal, groups_joined
from services.resolver.resolve.limits import Holdings, Limit
from services.resolver.resolve.word import REASON, SILENCE, WAITS, Word

ONE = MergeLimit(values_max=1)


def generation_of(features: Features) -> str | None:
    """Which generation the name itself says."""
    generation = features.get("genx")
    return same_generation(generation) if isinstance(generation, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoes:
    """Who can never be one person: two records of a unique source, two generations of a name.

    Codes by place, -1 for none: records of one unique source are kept apart where codes are equal,
    generations where they differ.
    """

    unique: npt.NDArray[np.int64]
    generation: npt.NDArray[np.int64]
    are_any: bool
    """Whether anything here may be kept apart."""

    @classmethod
    def of(
        cls, sources: Sequence[str], generations: Sequence[str | None], *, unique: Collection[str]
    ) -> "Vetoes":
        names = sorted(set(sources).intersection(unique))
        said = sorted({each for each in generations if each is not None})
        return cls(
            unique=np.array([names.index(s) if s in names else -1 for s in sources], np.int64),
            generation=np.array(
                [-1 if g is None else said.index(g) for g in generations], np.int64
            ),
            are_any=bool(names) or len(said) > 1,
        )

    def as_limits(self) -> list[Limit]:
        """The same as limits of one: one record of each source, one generation."""
        limits: list[Limit] = []
        if not self.are_any:
            return limits
        for code in np.unique(self.unique[self.unique >= 0]).tolist():
            own = [
                frozenset({Held(str(i), None)} if each == code else ())
                for i, each in enumerate(self.unique.tolist())
            ]
            limits.append(Limit(name="record of a unique source", most=ONE, values=own))
        if len(np.unique(self.generation[self.generation >= 0])) > 1:
            said = [
                frozenset({Held(str(c), None)} if c >= 0 else ()) for c in self.generation.tolist()
            ]
            limits.append(Limit(name="generation", most=ONE, values=said))
        return limits

    def among(self, places: Sequence[int]) -> npt.NDArray[np.bool_]:
        """[n, n]: may these two never stand together."""
        unique, generation = self.unique[places], self.generation[places]
        same = (unique[:, None] == unique[None, :]) & (unique >= 0)[:, None]
        known = generation >= 0
        differ = (generation[:, None] != generation[None, :]) & known[:, None] & known[None, :]
        vetoes: npt.NDArray[np.bool_] = same | differ
        np.fill_diagonal(vetoes, val=False)
        return vetoes


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """An identifier that did not join two units, and the limit or veto that forbade it."""

    identifier_type: str
    scope: str
    reason: str
    sides: tuple[int, int]  # two that carry it; of several refused joins those of the largest
    moved: int  # records of the smaller one


class UnitJoin(NamedTuple):
    """Two records that an identifier (type, scope and value as text) made one unit.

    Of a steward's word the type is `steward` and the value the decision.
    """

    identifier: str
    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Indexes of records per unit, each sorted, in the order of their first records.

    `joins` in the order in which they were made: one fewer a unit than it has records.
    """

    units: Sequence[tuple[int, ...]]
    demoted: Sequence[Demotion]
    joins: Sequence[UnitJoin] = ()


def join_units(
    decisive: Sequence[frozenset[str]],
    rules: IdentityRules,
    limits: Sequence[Limit],
    personal: Personal = NOTHING_PERSONAL,
    word: Word = SILENCE,
) -> Units:
    """Join records that a steward called one, or that share a decisive identifier within limits.

    `decisive` holds each record's identifiers (type, scope, value as text), generic ones left out;
    `personal` says which of those who share a shareable one are two people (joint.py).
    """
    holders: dict[str, list[int]] = defaultdict(list)
    for index, texts in enumerate(decisive):
        for text in texts:
            holders[text].append(index)
    units, joins = _as_told(len(decisive), word)
    holdings = Holdings(limits)
    demoted: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for text in sorted(holders, key=lambda each: (_priority(each, rules), each)):
        groups: Sequence[Sequence[int]] = [holders[text]]
        if personal and rules.is_shareable(text.split("\x1f", 1)[0]):
            groups = groups_joined(holders[text], units, personal)
        for first, other in ((group[0], other) for group in groups for other in group[1:]):
            left, right = units[first], units[other]
            if left is right:
                continue
            kept_apart = bool(word.apart) and word.separates(left, right)
            reason = REASON if kept_apart else holdings.refusal(left, right)
            if reason is None and not word.allows(left, right, records_max=rules.blast_records_max):
                reason = WAITS
            if reason is not None:
                type_name, scope, _ = text.split("\x1f", 2)
                refused = (-min(len(left), len(right)), first, other)
                what = (type_name, scope, reason)
                demoted[what] = min(refused, demoted.get(what, refused))
                continue
            joins.append(UnitJoin(text, holders[text][0], other))
            if len(left) < len(right):
                left, right = right, left
            holdings.join(left, right)
            _join(units, left, right)
    return Units(
        units=sorted(tuple(sorted(each)) for each in {id(u): u for u in units.values()}.values()),
        demoted=[
            Demotion(identifier_type=t, scope=s, reason=r, sides=(one, other), moved=-moved)
            for (t, s, r), (moved, one, other) in sorted(demoted.items())
        ],
        joins=joins,
    )


def _as_told(count: int, word: Word) -> tuple[dict[int, list[int]], list[UnitJoin]]:
    """Of each record its unit, by a steward's word alone; the records of one share its list."""
    units = {index: [index] for index in range(count)}
    joins: list[UnitJoin] = []
    for link in sorted(word.links):
        left, right = units[link.left], units[link.right]
        if left is not right:
            joins.append(UnitJoin(link.text(), link.left, link.right))
            _join(units, left, right)
    return units, joins


def _join(units: dict[int, list[int]], left: list[int], right: list[int]) -> None:
    left.extend(right)
    units.update(dict.fromkeys(right, left))


def _priority(text: str, rules: IdentityRules) -> int:
    return rules.types[text.split("\x1f", 1)[0]].priority
