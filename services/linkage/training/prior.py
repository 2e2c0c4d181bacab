"""The prior: how many of all pairs match, from sessions that know their share of matches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.linkage.training.parameters import Parameters

MATCH_SHARE_MAX = 0.2  # more would say that a base holds five people
_PER_RECORD_UNKNOWN = 4  # no session tells: one match in four records
_PER_RECORD_MIN = 100  # at least one match in a hundred records
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMatches:
    """Matches that share both values of a session's rule, expected by its EM run."""

    rule: tuple[int, int]
    matches: float


def match_share(
    sessions: Sequence[SessionMatches],
    parameters: Parameters,
    *,
    record_count: int,
    pair_count: float,
) -> float:
    """The share of matches among all pairs: the median over the sessions.

    A session finds the matches that agree exactly on its rule; dividing by the chance that a
    match does so gives all of them.
    """
    matches = estimates(sessions, parameters)
    found = float(np.median(matches)) if matches else record_count / _PER_RECORD_UNKNOWN
    return min(max(found, record_count / _PER_RECORD_MIN) / pair_count, MATCH_SHARE_MAX)


def estimates(sessions: Sequence[SessionMatches], parameters: Parameters) -> list[float]:
    """All matches of the base, as each session sees them."""
    result = []
    for session in sessions:
        agree = math.prod(
            parameters.known_in_matches[j] * float(parameters.m[j][0]) for j in session.rule
        )
        result.append(session.matches / max(agree, _SMALLEST))
    return sorted(result)
