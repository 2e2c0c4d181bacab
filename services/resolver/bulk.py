"""The first fill of an empty home: every candidate pair of the whole base at once.

Landed records are paired, scored and connected set-based, in one transaction that replaces their
dirty marks: edges and components are then what streaming would have come to, and one mark a
component is left for the ordinary resolve step to cluster and tell. Same pure functions, same state
hash. Checked by tests/integration/test_bulk.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.identity.domain.identifiers import IdentityRules
from services.identity.domain.ids import Micros
from services.identity.domain.ladder import lay_out
from services.identity.store import StoredEdge
from services.identity.store_bulk import BaseRecord, BulkTransaction
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.linkage.score import FeatureTable, PairWeights, totals
from services.linkage.training.pairs import Coded, blocks_of, pairs_in
from services.resolver.derive import decode_features
from services.resolver.resolve.edges import decisive_keys, encode_vectors
from services.resolver.resolve.engine import Engine
from services.resolver.resolve.layout import as_edge

PAIRS_SCORED_MAX = 500_000  # in one call of the scorer: bounds memory

Numbers = npt.NDArray[np.int64]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    records: int
    pairs: int
    edges: int
    components: int
    generic_keys: int


def connect_base(tx: BulkTransaction, engine: Engine, *, at: Micros, progress: Progress) -> Filled:
    """Edges and components of all landed records; leaves one dirty mark a component."""
    progress("reading records")
    base = _Base(tx.base_records(), engine)
    progress("finding pairs")
    keys, numbers = tx.all_keys()
    rules, rows = engine.deriver.rules, base.rows_of(numbers)
    generic, found = pairs_under(keys, rows, rules)
    left, right = base.allowed(*_distinct(*found))
    progress(f"scoring {len(left)} pairs")
    edges = list(base.edges(left, right, generic))
    progress("writing edges")
    components = lay_out(
        dict.fromkeys(base.numbers.tolist(), 0),
        map(as_edge, edges),
        engine.context.ladder,
    )
    tx.replace_base(edges=edges, components=components, generic=sorted(generic), at=at)
    return Filled(
        records=len(base.numbers),
        pairs=len(left),
        edges=len(edges),
        components=len({each.part for each in components.values()}),
        generic_keys=len(generic),
    )


def pairs_under(
    keys: Numbers, rows: Numbers, rules: IdentityRules
) -> tuple[frozenset[int], tuple[Numbers, Numbers]]:
    """Generic keys, and the pairs of rows under the others; some pairs several times."""
    generic: set[int] = set()
    found: list[tuple[Numbers, Numbers]] = []
    for own, holders_max in _limited(keys, rules):
        values, counts = np.unique(keys[own], return_counts=True)
        generic.update(values[counts > holders_max].tolist())
        coded = Coded(rows=rows[own], codes=keys[own])
        found.append(pairs_in(blocks_of(coded, size_max=holders_max)))
    left, right = zip(*found, strict=True)
    return frozenset(generic), (np.concatenate(left), np.concatenate(right))


def _limited(keys: Numbers, rules: IdentityRules) -> Iterator[tuple[npt.NDArray[np.bool_], int]]:
    """Which keys each limit of holders is about: those of a kind, and those stewards spoke of."""
    said = np.isin(keys, list(rules.said)) if rules.said else np.zeros(len(keys), dtype=bool)
    for kind in (0, 1):
        yield ((keys & 1) == kind) & ~said, rules.holders_max(kind)
    for most in sorted(set(rules.said.values())):
        some = [key for key, limit in rules.said.items() if limit == most]
        yield np.isin(keys, some), most


def _distinct(left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs that several keys found, once."""
    if not len(left):
        return left, right
    span = int(right.max()) + 1
    codes = np.unique(left * span + right)
    return codes // span, codes % span


class _Base:
    """Every record by row, in the order of record keys, so that scoring sees the same sides."""

    def __init__(self, records: Iterator[BaseRecord], engine: Engine) -> None:
        ordered = sorted(records, key=lambda record: record.key)
        self._engine = engine
        self.numbers: Numbers = np.array([r.number for r in ordered], dtype=np.int64)
        self._features: list[Features] = [decode_features(r.features) for r in ordered]
        self._decisive: list[Mapping[str, int]] = [
            decisive_keys(record, engine.deriver.rules) for record in ordered
        ]
        unique = sorted(name for name, source in engine.sources.items() if source.unique)
        place = {name: index for index, name in enumerate(unique)}
        self._unique = np.array([place.get(r.key.source, -1) for r in ordered], dtype=np.int64)

    def rows_of(self, numbers: Numbers) -> Numbers:
        """The rows of records by number."""
        order = np.argsort(self.numbers, kind="stable")
        rows: Numbers = order[np.searchsorted(self.numbers[order], numbers)]
        return rows

    def allowed(self, left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
        """Two records of a source unique within itself are no pair."""
        one = self._unique[left]
        fine = (one < 0) | (one != self._unique[right])
        return left[fine], right[fine]

    def edges(self, left: Numbers, right: Numbers, generic: frozenset[int]) -> Iterator[StoredEdge]:
        """The pairs at or above the floor, and those that share a decisive identifier."""
        model = self._engine.deriver.model
        table = FeatureTable(self._features, model.spec, model.comparisons)
        for start in range(0, len(left), PAIRS_SCORED_MAX):
            some = slice(start, start + PAIRS_SCORED_MAX)
            yield from self._edges(table, model, left[some], right[some], generic)

    def _edges(
        self,
        table: FeatureTable,
        model: LinkageModel,
        left: Numbers,
        right: Numbers,
        generic: frozenset[int],
    ) -> Iterator[StoredEdge]:
        gammas = table.gammas(left, right)
        scored = table.weights(
            left,
            right,
            gammas,
            comparisons=model.comparisons,
            term_frequencies=model.term_frequencies,
        )
        weights = totals(scored, model)
        taken = weights >= model.edge_floor_units
        joined = self._joined(left, right, generic)
        taken |= joined
        vectors = encode_vectors(
            PairWeights(weights=scored.weights[taken], present=scored.present[taken])
        )
        ends = np.sort(np.stack([self.numbers[left[taken]], self.numbers[right[taken]]]), axis=0)
        for row in zip(
            *ends.tolist(), weights[taken].tolist(), vectors, joined[taken].tolist(), strict=True
        ):
            yield StoredEdge(*row)

    def _joined(
        self, left: Numbers, right: Numbers, generic: frozenset[int]
    ) -> npt.NDArray[np.bool_]:
        carries = np.array([bool(each) for each in self._decisive], dtype=bool)
        joined: npt.NDArray[np.bool_] = carries[left] & carries[right]
        for index in np.flatnonzero(joined).tolist():
            one, other = self._decisive[left[index]], self._decisive[right[index]]
            joined[index] = any(key not in generic for t, key in one.items() if t in other)
        return joined
