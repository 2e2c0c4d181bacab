"""What pairs of a component weigh, in PostgreSQL; see services/identity/store_pairs.py."""

from collections.abc import Mapping, Sequence

from services.identity.adapters.sql.arrays import Byteas, Int8s
from services.identity.adapters.sql.landing import LandingWrites


class PairWrites(LandingWrites):
    """The pairs' part of a transaction."""

    def pair_vectors(self, components: Sequence[int]) -> Mapping[int, bytes]:
        rows = self._rows(
            "SELECT component, vectors FROM pair_vectors WHERE component = ANY(%s)",
            Int8s(list(components)),
        )
        return dict(rows)

    def put_pair_vectors(self, vectors: Mapping[int, bytes], *, gone: Sequence[int]) -> None:
        if gone:
            self._do("DELETE FROM pair_vectors WHERE component = ANY(%s)", Int8s(list(gone)))
        if vectors:
            self._do(
                "INSERT INTO pair_vectors (component, vectors)"
                " SELECT n.* FROM unnest(%s::int8[], %s::bytea[]) AS n"
                " ON CONFLICT (component) DO UPDATE SET vectors = excluded.vectors",
                Int8s(list(vectors)),
                Byteas(vectors.values()),
            )
