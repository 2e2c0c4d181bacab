"""The clusters that the components of a training set make under a model, many at a time."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from services.identity.domain.clustering import (
    STACK_CELLS_MAX,
    Problem,
    agglomerate_all,
    square_of_pairs,
)
from services.linkage.model import LinkageModel
from services.linkage.names import same_generation
from services.linkage.training.inside import Inside
from services.linkage.training.pairs import Ints, Vectors
from services.linkage.training.workbench import Workbench

T = TypeVar("T", bound=np.generic)


def cluster_rows(bench: Workbench, inside: Inside, vectors: Vectors, model: LinkageModel) -> Ints:
    """Of each row the first row of its cluster."""
    labels = np.arange(bench.record_count, dtype=np.int64)
    generations = _generations(bench)
    for numbers in _of_one_size(inside, cells_of_pair=2 * max(1, len(model.comparisons))):
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
        together = max(1, STACK_CELLS_MAX // (cells_of_pair * size * size))
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
    weights = _squares(found.weights, size)
    present = _squares(found.present, size)
    forbidden = _squares(~bench.allowed(left, right)[:, None], size)[:, 0] | apart
    return [
        Problem(
            weights=weights[place],
            present=present[place],
            prior=model.prior_units,
            relatives=model.relatives,
            tau=model.tau,
            forbidden=forbidden[place],
        )
        for place in range(len(numbers))
    ]


def _differ(said: Ints) -> npt.NDArray[np.bool_]:
    """Of [c, n] generations which two of a component are known and not the same."""
    one, other = said[:, :, None], said[:, None, :]
    result: npt.NDArray[np.bool_] = (one >= 0) & (other >= 0) & (one != other)
    return result


def _squares(values: npt.NDArray[T], size: int) -> npt.NDArray[T]:
    """Values [c * pairs, k] of upper triangles as symmetric matrices [c, k, n, n]."""
    count, width = size * (size - 1) // 2, values.shape[1]
    of_pairs = np.zeros((len(values) // count, width, count + 1), dtype=values.dtype)
    of_pairs[:, :, :count] = values.reshape(-1, count, width).transpose(0, 2, 1)
    squares: npt.NDArray[T] = of_pairs[:, :, square_of_pairs(size)]
    return squares


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
