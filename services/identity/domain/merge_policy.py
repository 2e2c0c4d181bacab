"""The policy above the model: the least evidence of a merge, and of a use of what it made.

The model says whether two groups of records are one person, the policy how sure one must be to act
on it. What the model wants and the policy refuses waits for a person's word. Pure.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from services.identity.domain.declared import number, section, share
from services.identity.domain.errors import UsageError
from services.identity.domain.weights import to_units

EVEN_ODDS = 0.5
CONFIDENCE_MAX = 0.999999  # as finely as confidences are told
FIELDS_MAX = 20
USES_MAX = 100
_USE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
STRONG_UNITS = to_units(3.0)
"""A field speaks strongly when it makes one person eight times as likely as two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePolicy:
    """Of each join by weights the least confidence, and how many personal fields must agree.

    Personal is what no household shares. `uses` says of what profiles are used for how sure the
    identity must be; it has no part in who is one person.
    """

    confidence_min: float = EVEN_ODDS
    personal_fields_min: int = 0
    uses: Mapping[str, float] = field(default_factory=dict)

    @property
    def asks_nothing(self) -> bool:
        """Whether every join that the model wants is made."""
        return self.confidence_min <= EVEN_ODDS and self.personal_fields_min == 0

    @property
    def weight_min(self) -> int:
        """The least weight of a link, in units; what is above even odds the model asks anyway."""
        sure = self.confidence_min
        return to_units(math.log2(sure / (1 - sure))) if sure > EVEN_ODDS else 0


MODEL_ALONE = MergePolicy()


def parse_policy(raw: object) -> MergePolicy:
    """From the plain values of the rules file; raises UsageError that names the place."""
    said = section(raw, "merge_policy", ("min_confidence", "min_personal_fields", "uses"))
    uses = section(said.get("uses", {}), "merge_policy: uses", None)
    if len(uses) > USES_MAX or not all(_USE.fullmatch(name) for name in uses):
        raise UsageError(
            f"merge_policy: uses: at most {USES_MAX} names, of 64 letters, digits, `_`, `.` and `-`"
        )
    return MergePolicy(
        confidence_min=share(
            said.get("min_confidence", EVEN_ODDS),
            "merge_policy: min_confidence",
            least=EVEN_ODDS,
            most=CONFIDENCE_MAX,
        ),
        personal_fields_min=number(
            said.get("min_personal_fields", 0),
            "merge_policy: min_personal_fields",
            FIELDS_MAX,
            least=0,
        ),
        uses={
            name: share(each, f"merge_policy: uses: {name}", least=0, most=1)
            for name, each in uses.items()
        },
    )


def policy_document(policy: MergePolicy) -> dict[str, Any]:
    """As the file would say it; nothing where the model alone decides."""
    said: dict[str, Any] = {}
    if policy.confidence_min != EVEN_ODDS:
        said["min_confidence"] = policy.confidence_min
    if policy.personal_fields_min:
        said["min_personal_fields"] = policy.personal_fields_min
    if policy.uses:
        said["uses"] = dict(sorted(policy.uses.items()))
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastEvidence:
    """The policy for the links of one component, whose records are known by their places."""

    weight_min: int
    personal_fields_min: int
    granted: Sequence[frozenset[int]] = ()

    def is_met(self, weight: int, personal_fields: int) -> bool:
        return weight >= self.weight_min and personal_fields >= self.personal_fields_min


def count_personal(columns: npt.NDArray[Any] | Sequence[int], shared: Sequence[bool]) -> int:
    """How many fields that no household shares speak strongly for a link."""
    strong = np.asarray(columns) >= STRONG_UNITS
    return int((strong & ~np.array(shared, dtype=bool)).sum())


def is_granted(
    granted: Sequence[frozenset[int]], one: Collection[int], other: Collection[int]
) -> bool:
    """Whether a person's word is about both of two groups."""
    return any(not (each.isdisjoint(one) or each.isdisjoint(other)) for each in granted)
