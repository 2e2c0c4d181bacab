"""What training compares and clusters many at a time is what it would be one by one."""

from dataclasses import replace
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

from services.identity.domain.clustering import Problem, agglomerate
from services.identity.domain.kinds import Kind
from services.linkage.levels import ComparisonKind
from services.linkage.survey import survey
from services.linkage.training.cluster_rows import cluster_rows
from services.linkage.training.estimate_u import estimate_u
from services.linkage.training.inside import pairs_inside
from services.linkage.training.parameters import initial_parameters
from services.linkage.training.records import TrainingRecord
from services.linkage.training.sample import Sample
from services.linkage.training.workbench import Compared, Workbench

FIELDS = (("full_name", Kind.FULL_NAME), ("date_of_birth", Kind.DATE_OF_BIRTH))
COUNT = 60


def workbench() -> Workbench:
    rng = Random(4)
    records = tuple(
        TrainingRecord.of(
            key=f"{row:03}",
            source=rng.choice(("once", "often")),
            values={
                "full_name": f"{rng.choice(('Ann', 'Bob'))} Muller"
                + rng.choice((" Jr", " II", " Sr", "")),
                "date_of_birth": f"1980-01-{rng.randrange(1, 4):02}",
            },
        )
        for row in range(COUNT)
    )
    sample = Sample(records=records, taken=COUNT, seen=COUNT)
    surveyed = survey([record.values for record in records], FIELDS)
    return Workbench(sample, surveyed, unique_sources={"once"})


def test_a_pair_met_before_is_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = workbench()
    left, right = np.triu_indices(COUNT, 1)
    every = bench.compare(left, right)
    compared, asked = Compared(bench), []
    compare = bench.compare

    def counted(some: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> object:
        asked.append(len(some))
        return compare(some, others)

    monkeypatch.setattr(bench, "compare", counted)
    order = np.random.default_rng(1).permutation(len(left))
    for some in (order[:900], order[300:1_200], order[:1_200]):
        assert (compared.vectors(left[some], right[some]) == every[some]).all()
    assert asked == [900, 300]


@pytest.mark.parametrize("cells_max", [1, 1_000_000])
def test_components_of_one_size_cluster_as_each_would_alone(
    cells_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.linkage.training.cluster_rows.STACK_CELLS_MAX", cells_max)
    bench = workbench()
    learned = estimate_u(
        bench.compare(*np.triu_indices(COUNT, 1)),
        initial_parameters([comparison.default_m for comparison in bench.comparisons]),
    )
    of_generation = [c.kind is ComparisonKind.GENERATION for c in bench.comparisons]
    assert any(of_generation)  # worth nothing here: only the veto keeps generations apart
    m = [u if it else m for it, m, u in zip(of_generation, learned.m, learned.u, strict=True)]
    model = bench.model(replace(learned, m=tuple(m), match_share=0.9))
    inside = pairs_inside(np.arange(COUNT) % 14)  # of four rows, and of five
    vectors = bench.compare(inside.left, inside.right)
    pairs = bench.weigh(inside.left, inside.right, vectors, model)
    features = list(bench.features)
    expected = np.arange(COUNT)
    for number, rows in enumerate(inside.components):
        part = slice(inside.starts[number], inside.starts[number + 1])
        apart = ~bench.allowed(inside.left[part], inside.right[part])
        forbidden = np.zeros((len(rows), len(rows)), dtype=bool)
        forbidden[np.triu_indices(len(rows), 1)] = apart
        said = [str(features[row].get("genx", "")).replace("ii", "jr") for row in rows]
        forbidden |= np.array([[bool(a and b and a != b) for b in said] for a in said])
        problem = Problem(
            size=len(rows),
            weights=pairs.weights[part],
            present=pairs.present[part],
            prior=model.prior_units,
            relatives=model.relatives,
            tau=model.tau,
            forbidden=forbidden,
        )
        expected[rows] = rows[agglomerate(problem).labels]
    assert cluster_rows(bench, inside, vectors, model).tolist() == expected.tolist()
    assert len(set(expected.tolist())) not in (COUNT, len(inside.components))
