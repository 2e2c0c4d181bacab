"""Explanations as values: why records stand together, why they do not, how a profile came to be.

The resolver finds them, by the functions it decides by; the profile API tells them. Values that
name people stand only in `values`, `left` and `right` of evidence and in record keys, so that
whoever tells an explanation can leave them out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.identity.domain.evidence import Waterfall
from services.identity.domain.ids import ProfileId, RecordKey


@dataclass(frozen=True, slots=True)
class RecordSubject:
    """Who is meant, by a record's own key."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class ProfileSubject:
    """By a profile id: the record that it is called after, wherever that stands today."""

    id: ProfileId


@dataclass(frozen=True, slots=True)
class IdentifierSubject:
    """By the keys under which an identifier's value is found."""

    keys: frozenset[int]


Subject = RecordSubject | ProfileSubject | IdentifierSubject


class Obstacle(StrEnum):
    """Why a question has no answer of its kind."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    ONE_RECORD = "one_record"
    ONE_PROFILE = "one_profile"
    SEVERAL_PROFILES = "several_profiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """`side`: which of the two subjects, where it is one of them."""

    obstacle: Obstacle
    side: int | None = None
    profiles: Sequence[ProfileId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedIdentifier:
    """An identifier that both records carry. Smaller priorities join first."""

    type: str
    value: str
    priority: int


class KeyOutcome(StrEnum):
    """How a rule or an identifier type came out for two records."""

    SHARED = "shared"
    GENERIC = "generic"  # shared, and held by more records than may make a pair
    DIFFERENT = "different"
    MISSING = "missing"  # at least one of the two has none


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFact:
    """One way in which two records could have become candidates. `kind`: identifier, blocking.

    Where it is generic, the limit that applies to what they share, and whether a steward set it:
    of several values the one that may have most holders.
    """

    kind: str
    name: str
    outcome: KeyOutcome
    holders_max: int | None = None
    is_said: bool = False


def limit_words(holders_max: int, *, is_said: bool) -> str:
    """Why a key is generic, with who set its limit."""
    if is_said and not holders_max:
        return "a steward said that it ties nobody"
    held = f"held by more than {holders_max:,}"
    return f"{held}, which a steward allowed" if is_said else held


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """Two records compared: what decides, what made them candidates, what they weigh."""

    left: RecordKey
    right: RecordKey
    identifiers: Sequence[SharedIdentifier]
    keys: Sequence[KeyFact]
    waterfall: Waterfall


class StepKind(StrEnum):
    """What made two groups of records one."""

    STEWARD = "steward"
    IDENTIFIER = "identifier"
    WEIGHT = "weight"
    ANONYMOUS = "anonymous"  # an anonymous record, placed last by an identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One join, the `number`th of its profile. `pair` are two records that stand for the groups.

    `waterfall` adds up to the decision: the pair's rows and the cluster step; `link` is the same
    weight column by column. Both are None where no weight was asked.
    """

    number: int
    kind: StepKind
    left: Sequence[RecordKey]
    right: Sequence[RecordKey]
    pair: PairFacts
    identifier: SharedIdentifier | None = None
    decision: str | None = None
    """The steward's decision, where one made it."""
    waterfall: Waterfall | None = None
    link: Waterfall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """Why an explanation is not the whole: its component is larger than is worked through."""

    records: int
    records_max: int
    pairs: int
    pairs_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """What an explanation speaks of. `settled`: what is stored is what was worked out again.

    It is not where an event still waits to be resolved, and then the next look may say otherwise.
    """

    settled: bool
    component_records: int
    bounded: Bounded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Why two records stand in one profile: the joins on the way from one to the other."""

    profile: ProfileId
    left: RecordKey
    right: RecordKey
    path: Sequence[Step]
    direct: PairFacts
    standpoint: Standpoint


class Reason(StrEnum):
    """What keeps two records in different profiles, in the order in which it is looked for."""

    NO_EVENTS = "no_events"
    STEWARD = "separated_by_steward"
    NEVER_CANDIDATES = "never_candidates"
    VETOED = "vetoed"
    SCORED_TOO_LOW = "scored_too_low"
    CUT_BY_LADDER = "cut_by_ladder"
    BLAST_RADIUS = "blast_radius"
    MERGE_POLICY = "merge_policy"
    SHARED_DEVICE = "shared_device"
    NOTHING_TO_COMPARE = "nothing_to_compare"
    CLUSTERING = "separated_in_clustering"
    NOT_SETTLED = "not_settled"
    TOO_LARGE = "component_too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """The first reason that held, in words, with its evidence.

    `facts` are what the words count: limits, floors, sizes. `between` are the two groups that may
    not be one, where they are larger than the two records.
    """

    reason: Reason
    words: str
    left: RecordKey
    right: RecordKey
    profiles: tuple[ProfileId | None, ProfileId | None]
    facts: Mapping[str, str | int | float]
    pair: PairFacts
    standpoint: Standpoint
    between: tuple[Sequence[RecordKey], Sequence[RecordKey]] | None = None
    link: Waterfall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """Records that were one before any weight was asked, and the identifiers they carry."""

    records: Sequence[RecordKey]
    identifiers: Sequence[SharedIdentifier]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something for a person to look at: a demoted identifier, a component that was cut."""

    kind: str
    facts: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragile:
    """Without this record, or this identifier, the others of the profile fall into these parts."""

    record: RecordKey | None
    identifier: SharedIdentifier | None
    parts: Sequence[Sequence[RecordKey]]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a profile came to be: its records in order, its units, its joins, notes.

    `fragile` is None where the profile is too large to be tried without each of its parts;
    `steps_left_out` says how many joins more there were than are told.
    """

    profile: ProfileId
    records: Sequence[RecordKey]
    units: Sequence[UnitFacts]
    steps: Sequence[Step]
    steps_left_out: int
    confidence: float | None
    ambiguous: bool
    notes: Sequence[Note]
    fragile: Sequence[Fragile] | None
    standpoint: Standpoint
