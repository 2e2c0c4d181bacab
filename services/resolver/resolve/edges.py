"""Match weights to edges. Pure.

A pair is an edge when its weight is at or above the model's floor, or when the two records share a
decisive identifier that is not generic: such a pair belongs to one component whatever it weighs.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from services.identity.domain.identifiers import IdentityRules, identifier_key
from services.identity.store import StoredEdge, StoredRecord
from services.identity.store_bulk import BaseRecord
from services.linkage.score import PairWeights
from services.resolver.resolve.candidates import Pair
from services.resolver.resolve.joint import NOTHING_PERSONAL, Personal

NULL = np.iinfo(np.int32).min
"""What stands in a stored vector where a comparison was null."""

Vector = npt.NDArray[np.int32]


def mark_nulls(scored: PairWeights) -> Vector:
    """[pairs, k]: one comparison vector a pair, null marked: what clustering needs of it later."""
    return np.where(scored.present, scored.weights, NULL).astype("<i4")


def encode_vectors(scored: PairWeights) -> list[bytes]:
    """The same one by one, to be stored with an edge."""
    marked = mark_nulls(scored)
    raw, size = marked.tobytes(), marked.shape[1] * marked.itemsize
    return [raw[start : start + size] for start in range(0, len(raw), size)]


def decode_vector(raw: bytes) -> Vector:
    return np.frombuffer(raw, dtype="<i4")


def personal_evidence(
    pairs: Iterable[Pair], *, vector_of: Callable[[Pair], bytes | None], shared: Sequence[bool]
) -> Personal:
    """What the comparison vectors of pairs of places say, less what a household shares.

    Pairs that are never scored (two records of a unique source) have none and say nothing.
    """
    vectors = ((pair, vector_of(pair)) for pair in pairs)
    scored = {pair: vector for pair, vector in vectors if vector is not None}
    if not scored:
        return NOTHING_PERSONAL
    found = np.frombuffer(b"".join(scored.values()), dtype="<i4")
    found = found.reshape(len(scored), len(shared)).astype(np.int64)
    own = np.where(found != NULL, found, 0) @ ~np.array(shared, dtype=bool)
    return dict(zip(scored, own.tolist(), strict=True))


def judge(
    pairs: Sequence[Pair],
    vectors: Sequence[bytes],
    weights: Sequence[int],
    *,
    floor: int,
    joined: Collection[Pair],
) -> list[StoredEdge]:
    """The edges among scored pairs; `joined` are those that share a decisive identifier."""
    return [
        StoredEdge(a, b, weight, vector, (a, b) in joined)
        for (a, b), vector, weight in zip(pairs, vectors, weights, strict=True)
        if weight >= floor or (a, b) in joined
    ]


def weights_within(
    edges: Mapping[Pair, StoredEdge], components: Mapping[int, int], *, wanted: Collection[int]
) -> Mapping[int, Mapping[Pair, int]]:
    """Of components the weights of their edges; an edge that leads out of one is nobody's."""
    found: dict[int, dict[Pair, int]] = {component: {} for component in wanted}
    if wanted:
        for pair, edge in edges.items():
            component = components.get(edge.a, -1)
            if component in found and component == components.get(edge.b):
                found[component][pair] = edge.weight
    return found


def decisive_keys(record: StoredRecord | BaseRecord, rules: IdentityRules) -> Mapping[str, int]:
    """The record's decisive identifiers, as text, with the key each is found under.

    Those beyond the keys that one record may have are found by nobody, and so join nothing.
    """
    found: dict[str, int] = {}
    for text in record.state.identifiers:
        type_name, scope, value = text.split("\x1f", 2)
        if rules.is_decisive(type_name):
            found[text] = identifier_key(type_name, scope, value)
    if not found:  # of most records nothing is decisive
        return found
    held = frozenset(record.keys)
    return {text: key for text, key in found.items() if key in held}


def sharing_key(
    number: int,
    decisive: Mapping[str, int],
    holders: Mapping[int, Sequence[int]],
    generic: Collection[int],
) -> dict[Pair, set[str]]:
    """The pairs of a record with others under keys of its decisive identifiers, and which.

    A key is a hash: whether the other holds the identifier itself is to be looked up.
    """
    result: dict[Pair, set[str]] = {}
    for text, key in decisive.items():
        if key not in generic:
            for other in holders.get(key, ()):
                if other != number:
                    pair = (number, other) if number < other else (other, number)
                    result.setdefault(pair, set()).add(text)
    return result
