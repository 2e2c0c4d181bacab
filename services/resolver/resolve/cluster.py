"""One component to clusters. Pure: the component's records and the frozen model decide alone.

Units first, then agglomeration over all pairs, then anonymous records: one joins the only cluster
that carries its identifier, and stays alone where there are two (a shared device).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.identity.domain.clustering import Problem, agglomerate, ladder
from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.source import Source
from services.identity.domain.weights import to_bits
from services.identity.store import StoredRecord
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.edges import NULL, decode_vector
from services.resolver.resolve.units import Limit, Units, join_units, limits_of, refusal

COMPONENT_UNITS_MAX = 256  # a larger component is cut by raising the floor until its parts fit
ANONYMOUS_KIND = "anonymous_id"
GENERATIONS = {"i": "sr", "ii": "jr"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A component to be clustered: its records in key order, and what is known of each.

    `decisive` holds each record's decisive identifiers without generic ones; `vectors` the weights
    of every pair that is neither late nor missing; `weights` the totals of its edges.
    """

    records: Sequence[StoredRecord]
    features: Sequence[Features]
    decisive: Sequence[frozenset[str]]
    vectors: Mapping[Pair, bytes]
    weights: Mapping[Pair, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Records judged to be one person, how sure, and whether a shared device keeps it apart."""

    records: tuple[int, ...]
    confidence: float
    ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    outcomes: Sequence[Outcome]
    notes: Sequence[tuple[str, Mapping[str, object]]]
    """What a person should look at: demoted identifiers and cut components."""


def is_late(record: StoredRecord, features: Features) -> bool:
    """An anonymous visitor of whom nothing is known that could be compared."""
    return record.key.kind == ANONYMOUS_KIND and not features


def pairs_within(records: Sequence[StoredRecord], features: Sequence[Features]) -> list[Pair]:
    """Every pair that clustering weighs, by record number: all but those of late records."""
    numbers = [
        record.number
        for record, known in zip(records, features, strict=True)
        if not is_late(record, known)
    ]
    return [
        (min(a, b), max(a, b)) for i, a in enumerate(numbers) for b in numbers[i + 1 :] if a != b
    ]
