"""Linkage laws on drawn input: deriving repeats itself, keys and clusters ignore order."""

from random import Random

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.identity.domain.cluster_links import square_of_pairs
from services.identity.domain.clustering import Problem, agglomerate
from services.identity.domain.ids import Micros
from services.identity.domain.ladder import LOOSE, Edge, Ladder, Place, components, lay_out
from services.identity.domain.large_ladder import Links, lay_out_whole
from services.identity.domain.merge_limit import DAY, Held, MergeLimit
from services.identity.domain.weights import UNITS_PER_BIT, Relatives
from services.linkage.features import FeatureSpec, derive
from services.linkage.folding import ascii_text, fold, words
from services.linkage.keys import tokens
from tests.linkage_factory import FIELDS

SPEC = FeatureSpec(fields=FIELDS)
RECORDS = st.dictionaries(st.sampled_from([name for name, _ in FIELDS]), st.text(max_size=30))


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)
    assert ascii_text(ascii_text(text)) == ascii_text(text)
    assert ascii_text(text).isascii()
    assert fold(fold(text)) == fold(text)


@given(RECORDS)
def test_any_text_can_be_derived_and_all_of_it_is_declared(values: dict[str, str]) -> None:
    found = derive(values, SPEC)
    assert found == derive(dict(reversed(values.items())), SPEC)
    assert set(found) <= set(SPEC.columns)
    for name, value in found.items():
        texts = value if isinstance(value, list) else [value]
        assert texts
        assert all(texts)
        if name != "k0":  # a category is compared for equality only
            assert all(text.isascii() for text in texts)
    assert all(all(values) for values in tokens(found, SPEC).values())


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Few records and few distinct weights, so that links tie."""
    size = draw(st.integers(1, 7))
    pairs = size * (size - 1) // 2
    bits = st.sampled_from([-12, -3, -1, 1, 3, 12])
    width = 2
    weights = np.zeros((pairs, width), dtype=np.int32)
    forbidden = np.zeros((size, size), dtype=bool)
    upper = np.triu_indices(size, 1)
    for number in range(width):
        chosen = draw(st.lists(bits, min_size=pairs, max_size=pairs))
        weights[:, number] = np.array(chosen, dtype=np.int32) * UNITS_PER_BIT
    forbidden[upper] = draw(
        st.lists(st.sampled_from([False] * 4 + [True]), min_size=pairs, max_size=pairs)
    )
    days = draw(st.sampled_from([None, 1]))
    most = MergeLimit(values_max=2, within_days=days)
    instants = st.sampled_from([None, Micros(0), Micros(2 * DAY)])
    values = [
        frozenset(
            Held(value, draw(instants) if days else None)
            for value in draw(st.sampled_from(["", "a", "b", "c"]))
        )
        for _ in range(size)
    ]
    return Problem(
        size=size,
        weights=weights,
        present=weights != 0,
        prior=draw(st.sampled_from([-2, 0])) * UNITS_PER_BIT,
        relatives=Relatives.household((False, True), share=0.01),
        tau=0.1,
        alone_share=draw(st.sampled_from([0.2, 1.0])),
        forbidden=forbidden,
        limited=[(most, values)],
    )


@given(problems())
@settings(max_examples=200)
def test_no_cluster_breaks_a_veto_or_a_limit(problem: Problem) -> None:
    labels = agglomerate(problem).labels
    together = labels[:, None] == labels[None, :]
    assert problem.forbidden is not None
    assert not (together & problem.forbidden).any()
    for most, values in problem.limited:
        for label in set(labels.tolist()):
            held = [values[record] for record in np.flatnonzero(labels == label).tolist()]
            assert not most.is_broken_by(frozenset().union(*held))


@given(problems())
def test_clusters_are_named_after_their_smallest_member_and_joins_lead_to_them(
    problem: Problem,
) -> None:
    found = agglomerate(problem)
    for label in set(found.labels.tolist()):
        assert np.flatnonzero(found.labels == label).min() == label
    joined = components(problem.size, [(join.left, join.right) for join in found.joins])
    assert joined.tolist() == found.labels.tolist()
    assert all(join.left < join.right for join in found.joins)
    assert all(join.weight > 0 for join in found.joins)


@given(problems())
def test_a_component_is_clustered_alike_alone_and_among_strangers(problem: Problem) -> None:
    """Records to which nothing links change nothing for the others."""
    size = problem.size
    width = len(problem.relatives.shared)
    own = square_of_pairs(size + 2)[np.triu_indices(size, 1)]
    weights = np.full(((size + 2) * (size + 1) // 2, width), -12 * UNITS_PER_BIT, dtype=np.int32)
    weights[own] = problem.weights
    assert problem.forbidden is not None
    forbidden = np.zeros((size + 2, size + 2), dtype=bool)
    forbidden[:size, :size] = problem.forbidden
    present = np.ones(weights.shape, dtype=bool)
    present[own] = problem.present
    most, values = problem.limited[0]
    wider = Problem(
        size=size + 2,
        weights=weights,
        present=present,
        prior=problem.prior,
        relatives=problem.relatives,
        tau=problem.tau,
        alone_share=problem.alone_share,
        forbidden=forbidden,
        limited=[(most, [*values, frozenset(), frozenset()])],
    )
    assert agglomerate(wider).labels[:size].tolist() == agglomerate(problem).labels.tolist()


EDGES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.sampled_from([-3, -1, 0, 2, 5])), max_size=20
)


@given(EDGES, st.randoms(use_true_random=False), st.integers(1, 9))
def test_parts_fit_and_ignore_the_order_of_edges(
    edges: list[tuple[int, int, int]], random: Random, units_max: int
) -> None:
    nodes = dict.fromkeys(range(9), 0)

    def placed(edges: list[tuple[int, int, int]]) -> dict[int, Place]:
        made = [Edge(*edge) for edge in edges]
        return lay_out(nodes, made, Ladder(floor=-2, units_max=units_max, height=2))

    shuffled = sorted(edges, key=lambda _: random.random())
    found = placed(edges)
    assert found == placed(shuffled)
    parts = np.array([found[node].part for node in range(9)])
    assert np.bincount(parts).max() <= units_max
    whole = components(9, [(a, b) for a, b, weight in edges if weight >= -2])
    finer = parts[:, None] == parts[None, :]
    assert (whole[:, None] == whole[None, :])[finer].all()


JOINED = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.integers(0, 11),
        st.sampled_from([-3, -2, -1, 0, 2, 4]),
        st.booleans(),
    ),
    max_size=30,
)


@given(
    JOINED,
    st.sampled_from([1, 2, 3, 4, 5, 24]),  # 24: 2, 3, 6 and 12 on the way
    st.sampled_from([1_000, 24, 4, 6]),
)
@example([(0, 1, 0, False), (0, 2, -2, False), (0, 3, -3, True), (1, 3, -3, True)], 2, 1_000)
@example([(node, node + 1, -3, True) for node in range(11)], 5, 5)
def test_parts_can_be_laid_out_from_the_parts_that_an_edge_touches(
    told: list[tuple[int, int, int, bool]], units_max: int, block_max: int
) -> None:
    """Nodes come one by one, each with its edges to those before: as the resolver meets them."""
    edges = [
        Edge(min(a, b), max(a, b), weight, joined)
        for a, b, weight, joined in {(a, b): (a, b, w, j) for a, b, w, j in told}.values()
        if a != b and (joined or weight >= -2)
    ]
    ladder = Ladder(floor=-2, units_max=units_max, block_max=block_max, height=2)
    standing: dict[int, Place] = {}
    for node in range(12):
        new = [edge for edge in edges if edge.right == node]
        bridged = {e.left for e in new if e.is_joined and 0 < standing[e.left].step < LOOSE}
        near = {
            standing[edge.left].part
            for edge in new
            if ladder.counts_at(standing[edge.left].step, edge)
        }
        cut_until = {n: place.step for n, place in standing.items() if place.part in near}
        cut_until[node] = 0
        for edge in new:
            if standing[edge.left].part not in near:
                cut_until[node] = ladder.told_by(edge, cut_until[node])
        inside = [e for e in edges if e.left in cut_until and e.right in cut_until]
        found = lay_out(cut_until, inside, ladder)
        fell = [n for n in found if n in standing and 0 < standing[n].step < LOOSE <= found[n].step]
        standing |= found
        if len(bridged) > 1 or fell:  # units became one, or many: what the job is there for
            here = [e for e in edges if e.right <= node]
            nodes = dict.fromkeys(range(node + 1), 0)
            standing = lay_out(nodes, here, ladder)
    whole = lay_out(dict.fromkeys(range(12), 0), edges, ladder)
    assert standing == whole


@given(
    JOINED, st.sampled_from([1, 3, 24]), st.sampled_from([1_000, 4]), st.sets(st.integers(0, 11))
)
def test_a_whole_set_is_laid_out_by_column_as_node_by_node(
    said: list[tuple[int, int, int, bool]], units_max: int, block_max: int, named: set[int]
) -> None:
    """`named`: nodes that a person calls one; numbers have gaps, as those of records do."""
    edges = [
        Edge(min(a, b) * 7, max(a, b) * 7, weight, joined)
        for a, b, weight, joined in {(a, b): (a, b, w, j) for a, b, w, j in said}.values()
        if a != b and (joined or weight >= -2)
    ]
    ladder = Ladder(floor=-2, units_max=units_max, block_max=block_max, height=2)
    told = [(min(named) * 7, each * 7) for each in named if each != min(named)]
    nodes = np.arange(12, dtype=np.int64) * 7
    ties = [Edge(*pair, 0, is_told=True) for pair in told]
    node_by_node = lay_out(dict.fromkeys(nodes.tolist(), 0), [*edges, *ties], ladder)
    columns = np.array([edge[:3] for edge in edges], dtype=np.int64).reshape(-1, 3).T
    joined = np.array([edge.is_joined for edge in edges], dtype=np.bool_)
    left, right, weights = columns
    parts, steps = lay_out_whole(nodes, Links(left, right, weights, joined), told, ladder)
    found = map(Place, parts.tolist(), steps.tolist())
    assert dict(zip(nodes.tolist(), found, strict=True)) == node_by_node
