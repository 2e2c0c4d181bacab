"""What a set of records teaches about its fields, and their derived columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from services.identity.domain.kinds import Kind
from services.linkage.columns import FeatureColumns
from services.linkage.dates import is_day_first
from services.linkage.features import FeatureSpec, Fields, derive

REST_SHARE_MIN = 0.01
"""Other name words are compared only where more than this share of the records has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was learned, and the derived columns of the records in given order."""

    spec: FeatureSpec
    features: FeatureColumns


def survey(records: Iterable[Mapping[str, str]], fields: Fields) -> Survey:
    """Learn the column statistics from all records, then derive each. The order is no matter.

    They are gone through repeatedly.
    """
    day_first = frozenset(
        name
        for name, kind in fields
        if kind is Kind.DATE_OF_BIRTH and is_day_first(r[name] for r in records if name in r)
    )
    spec = FeatureSpec(fields=fields, day_first=day_first)
    features = FeatureColumns((derive(values, spec) for values in records), spec.columns)
    spec = replace(
        spec,
        has_surname=features.known("s") > 0,
        has_rest=features.known("rest") > REST_SHARE_MIN * len(features),
        has_generation=features.known("gen") > 1,
    )
    return Survey(spec=spec, features=features)
