"""The comparisons of two records, as data: which fields are compared, with which m and u.

m and u follow Fellegi and Sunter: the chance of a level among matches and among non-matches. The
defaults of m are what training starts from and is pulled towards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.linkage.features import FeatureSpec
from services.linkage.levels import DRAFTS, ComparisonKind, Level, email_beside_names

PROBABILITY_MIN = 1e-9
"""No level is impossible: a probability of zero would be a weight without bound."""

SHARED_KINDS = frozenset(
    {
        ComparisonKind.SURNAME,
        ComparisonKind.ADDRESS,
        ComparisonKind.POSTCODE,
        ComparisonKind.CITY,
        ComparisonKind.EMAIL,
        ComparisonKind.PHONE,
    }
)
"""What people of one household share: the sum of this evidence is capped (`model.py`)."""


SOMETIMES_SHARED_KINDS = frozenset(
    {ComparisonKind.EMAIL, ComparisonKind.PHONE, ComparisonKind.ID, ComparisonKind.REST}
)
"""What only some relatives share, most have one of their own: how many is learned.

A telephone of the house, the insurance number of a parent, the second of two surnames.
"""


PERHAPS_SHARED_KINDS = frozenset({ComparisonKind.CATEGORY})
"""What relatives have in common in one base and not in another: a nationality, a family doctor.

A column of these counts so only where most relatives are seen to have it in common.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one field is compared. `name` is its column and unique; `field` is what people read."""

    name: str
    field: str
    kind: ComparisonKind
    null_sql: str
    levels: tuple[Level, ...]
    m: tuple[float, ...] = ()
    u: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Without trained probabilities m is the default and u says nothing (all levels alike)."""
        if not self.m:
            object.__setattr__(self, "m", self.default_m)
        if not self.u:
            object.__setattr__(self, "u", (1 / len(self.levels),) * len(self.levels))

    @property
    def shared(self) -> bool:
        return self.kind in SHARED_KINDS

    @property
    def default_m(self) -> tuple[float, ...]:
        total = sum(level.default_m for level in self.levels)
        return tuple(level.default_m / total for level in self.levels)

    def with_probabilities(
        self, *, m: tuple[float, ...] | None = None, u: tuple[float, ...] | None = None
    ) -> "Comparison":
        return replace(self, m=self.m if m is None else m, u=self.u if u is None else u)


_KIND_OF_PREFIX = {
    "d": ComparisonKind.DATE_OF_BIRTH,
    "p": ComparisonKind.POSTCODE,
    "a": ComparisonKind.ADDRESS,
    "c": ComparisonKind.CITY,
    "e": ComparisonKind.EMAIL,
    "f": ComparisonKind.PHONE,
    "n": ComparisonKind.ID,
    "x": ComparisonKind.CATEGORY,
    "k": ComparisonKind.CATEGORY,
}


def comparisons_for(spec: FeatureSpec) -> tuple[Comparison, ...]:
    """Every comparison of these fields, untrained; a model keeps this order."""
    return tuple(
        _draft(name=name, field_name=field_name, kind=kind, has_names=spec.has_names)
        for name, field_name, kind in _wanted(spec)
    )


def _wanted(spec: FeatureSpec) -> Iterator[tuple[str, str, ComparisonKind]]:
    if spec.has_names:
        yield "g", "given_name", ComparisonKind.GIVEN
        if spec.has_surname:
            yield "s", "surname", ComparisonKind.SURNAME
        if spec.has_rest:
            yield "rest", "rest_of_name", ComparisonKind.REST
        if spec.has_middle:
            yield "mid", "middle_name", ComparisonKind.MIDDLE
        if spec.has_generation:
            yield "gen", "generation", ComparisonKind.GENERATION
    for column, field_name in spec.numbered:
        yield column, field_name, _KIND_OF_PREFIX[column[0]]


def _draft(*, name: str, field_name: str, kind: ComparisonKind, has_names: bool) -> Comparison:
    named = has_names and kind is ComparisonKind.EMAIL
    null_sql, levels = (email_beside_names if named else DRAFTS[kind])(name)
    return Comparison(name=name, field=field_name, kind=kind, null_sql=null_sql, levels=levels)
