"""The clusters that the components of a training set make under a model, many at a time."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from services.identity.domain.cluster_links import pairs_of
from services.identity.domain.clustering import (
    STACK_CELLS_MAX,
    Problem,
    agglomerate_all,
)
from services.linkage.model import LinkageModel
from services.linkage.names import same_generation
from services.linkage.training.inside import Inside
from services.linkage.training.pairs import Ints, Vectors
from services.linkage.training.workbench import Workbench


def cluster_rows(bench: Workbench, inside: Inside, vectors: Vectors, model: LinkageModel) -> Ints:
    """Of each row the first row of its cluster."""
    labels = np.arange(bench.record_count, dtype=np.int64)
    generations = _generations(bench)
    for numbers in _of_one_size(inside, cells_of_pair=max(1, len(model.comparisons))):
        rows = np.stack([inside.components[number] for number in numbers])
        apart = _differ(generations[rows])
        problems = _problems(bench, inside, vectors, model, numbers=numbers, apart=apart)
        for row, found in zip(rows, agglomerate_all(problems), strict=True):
            labels[row] = row[found.labels]
    return labels


def _of_one_size(inside: Inside, *, cells_of_pair: int) -> Iterator[list[int]]:
    """Numbers of components with equally many rows, as many as are held at once."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number, rows in enumerate(inside.components):
        alike[len(rows)].append(number)
    for size, numbers in sorted(alike.items()):
        pairs = max(1, size * (size - 1) // 2)
        together = max(1, STACK_CELLS_MAX // (cells_of_pair * pairs))
        for start in range(0, len(numbers), together):
            yield numbers[start : start + together]


def _problems(
    bench: Workbench,
    inside: Inside,
    vectors: Vectors,
    model: LinkageModel,
    *,
    numbers: list[int],
    apart: npt.NDArray[np.bool_],
) -> list[Problem]:
    size = len(inside.components[numbers[0]])
    count = size * (size - 1) // 2
    pairs = (inside.starts[numbers][:, None] + np.arange(count)).ravel()
    left, right = inside.left[pairs], inside.right[pairs]
    found = bench.weigh(left, right, vectors[pairs], model)
    weights = found.weights.reshape(len(numbers), count, -1)
    present = found.present.reshape(weights.shape)
    forbidden = apart.copy()
    rows, columns = pairs_of(size)
    forbidden[:, rows, columns] |= ~bench.allowed(left, right).reshape(len(numbers), count)
    barred = set(np.nonzero(forbidden)[0].tolist())
    return [
        Problem(
            size=size,
            weights=weights[place],
            present=present[place],
            prior=model.prior_units,
            relatives=model.relatives,
            tau=model.tau,
            alone_share=model.alone_share,
            forbidden=forbidden[place] if place in barred else None,
        )
        for place in range(len(numbers))
    ]


def _differ(said: Ints) -> npt.NDArray[np.bool_]:
    """Of [c, n] generations which two of a component are known and not the same."""
    one, other = said[:, :, None], said[:, None, :]
    result: npt.NDArray[np.bool_] = (one >= 0) & (other >= 0) & (one != other)
    return result


def _generations(bench: Workbench) -> Ints:
    """Of each row a number for the generation its name says, -1 where it says none.

    Two records whose names say different generations are two people.
    """
    codes, said = bench.features.codes("genx")
    canonical = [same_generation(generation) for generation in said]
    number = {generation: place for place, generation in enumerate(dict.fromkeys(canonical))}
    numbers = np.array([*(number[each] for each in canonical), -1], dtype=np.int64)
    numbers[:-1][[each == "" for each in canonical]] = -1
    generations: Ints = numbers[codes]
    return generations
