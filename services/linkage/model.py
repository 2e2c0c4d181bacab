"""The trained model: everything a pair's weight depends on besides its two records, frozen.

It is one JSON text that names nobody: values appear as hashes only. Its version is the hash of
its content, so that two models with one version weigh alike.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from importlib.metadata import version as installed_version
from typing import Any

import numpy as np

from services.identity.domain.errors import UsageError
from services.identity.domain.identifiers import BLOCKING_HOLDERS_MAX
from services.identity.domain.kinds import Kind
from services.identity.domain.weights import Kinship, Relatives, to_units
from services.linkage import splink_sql
from services.linkage.comparisons import Comparison
from services.linkage.features import NORMALISER_VERSION, FeatureSpec
from services.linkage.levels import ComparisonKind, Level
from services.linkage.term_frequencies import TermFrequencies

FORMAT = 1
PINNED = ("anyascii", "duckdb", "jellyfish", "numpy", "splink")
"""Libraries whose version can change a weight: raising one is a rebuild."""

Key = tuple[str, ...]
"""A blocking rule: the names of the tokens that must agree together."""


def installed_pins() -> dict[str, str]:
    return {name: installed_version(name) for name in PINNED}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkageModel:
    """`prior_weight` and `edge_floor` are in bits.

    `kinship` says how many pairs are relatives, `contact_shares` how many of those have a
    telephone, an e-mail, a number or other words of their names in common, `alone_share` how many
    records are their person's only one. `tau` is the exponent of the power mean in clustering. The
    keys were chosen for blocks of at most `block_limit` records.
    """

    spec: FeatureSpec
    comparisons: tuple[Comparison, ...]
    prior_weight: float
    kinship: Kinship
    term_frequencies: Mapping[str, TermFrequencies]
    keys: tuple[Key, ...]
    contact_shares: Mapping[str, float] = field(default_factory=dict)
    block_limit: int = BLOCKING_HOLDERS_MAX
    edge_floor: float = -4.0
    tau: float = 0.1
    alone_share: float = 1.0
    normaliser_version: str = NORMALISER_VERSION
    pins: Mapping[str, str] = field(default_factory=installed_pins)
    version: str = field(init=False)
    relatives: Relatives = field(init=False)
    """Which comparisons relatives share, in their order, and how many relatives there are."""

    def __post_init__(self) -> None:
        content = _dump(_to_plain(self)).encode()
        object.__setattr__(self, "version", blake2b(content, digest_size=8).hexdigest())
        object.__setattr__(self, "relatives", _relatives(self))

    @property
    def prior_units(self) -> int:
        return to_units(self.prior_weight)

    @property
    def edge_floor_units(self) -> int:
        return to_units(self.edge_floor)

    def to_json(self) -> str:
        return _dump(_to_plain(self) | {"version": self.version})

    @classmethod
    def from_json(cls, text: str) -> "LinkageModel":
        """Raises UsageError for a text that is no model of this format, or was changed by hand."""
        try:
            plain = json.loads(text)
            if plain["format"] != FORMAT:
                raise UsageError(f"the model has format {plain['format']}, not {FORMAT}: train it")
            model = _from_plain(plain)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError("this is no model: train one with `plait train`") from error
        if model.version != plain["version"]:
            raise UsageError("the model's content does not fit its version: train it again")
        return model

    def differences(self) -> list[str]:
        """What differs between the code that trained this model and the code that runs."""
        now = installed_pins() | {"normaliser": NORMALISER_VERSION}
        then = dict(self.pins) | {"normaliser": self.normaliser_version}
        return [
            f"{name}: trained with {then.get(name)}, running {now.get(name)}"
            for name in sorted(then | now)
            if then.get(name) != now.get(name)
        ]

    def splink_settings(self) -> dict[str, Any]:
        """The model in Splink's words, without the values' frequencies."""
        return splink_sql.settings(self.comparisons, prior_weight=self.prior_weight)


def _relatives(model: LinkageModel) -> Relatives:
    kinds = [comparison.kind for comparison in model.comparisons]
    return Relatives(
        shared=tuple(comparison.shared for comparison in model.comparisons),
        born=tuple(kind is ComparisonKind.DATE_OF_BIRTH for kind in kinds),
        given=tuple(kind is ComparisonKind.GIVEN for kind in kinds),
        kinship=model.kinship,
        seldom=tuple(
            (number, model.contact_shares[comparison.name])
            for number, comparison in enumerate(model.comparisons)
            if comparison.name in model.contact_shares
        ),
    )


def _dump(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _to_plain(model: LinkageModel) -> dict[str, Any]:
    spec = model.spec
    return {
        "format": FORMAT,
        "spec": {
            "fields": [[name, kind.value] for name, kind in spec.fields],
            "day_first": sorted(spec.day_first),
            "has_surname": spec.has_surname,
            "has_rest": spec.has_rest,
            "has_generation": spec.has_generation,
        },
        "comparisons": [asdict(comparison) for comparison in model.comparisons],
        "prior_weight": model.prior_weight,
        "household_share": model.kinship.household,
        **_kin_to_plain(model),
        "term_frequencies": {
            column: _terms_to_plain(terms) for column, terms in model.term_frequencies.items()
        },
        "keys": [list(key) for key in model.keys],
        "block_limit": model.block_limit,
        "edge_floor": model.edge_floor,
        "tau": model.tau,
        "normaliser_version": model.normaliser_version,
        "pins": dict(model.pins),
    }


def _kin_to_plain(model: LinkageModel) -> dict[str, Any]:
    """What models of the first days did not have; without it their versions stay what they are."""
    kinship = model.kinship
    shares = {
        "twin_share": kinship.twins,
        "namesake_share": kinship.namesakes,
        "contact_shares": dict(model.contact_shares),
        "alone_share": model.alone_share if model.alone_share < 1 else None,
    }
    return {name: share for name, share in shares.items() if share}


def _from_plain(plain: Mapping[str, Any]) -> LinkageModel:
    spec = dict(plain["spec"])
    fields = tuple((name, Kind(kind)) for name, kind in spec.pop("fields"))
    day_first = frozenset(spec.pop("day_first"))
    return LinkageModel(
        spec=FeatureSpec(fields=fields, day_first=day_first, **spec),
        comparisons=tuple(_comparison_from_plain(row) for row in plain["comparisons"]),
        prior_weight=plain["prior_weight"],
        kinship=Kinship(
            household=plain["household_share"],
            twins=plain.get("twin_share", 0.0),
            namesakes=plain.get("namesake_share", 0.0),
        ),
        contact_shares=plain.get("contact_shares", {}),
        term_frequencies={
            column: _terms_from_plain(terms) for column, terms in plain["term_frequencies"].items()
        },
        keys=tuple(tuple(key) for key in plain["keys"]),
        block_limit=plain["block_limit"],
        edge_floor=plain["edge_floor"],
        tau=plain["tau"],
        alone_share=plain.get("alone_share", 1.0),
        normaliser_version=plain["normaliser_version"],
        pins=plain["pins"],
    )


def _comparison_from_plain(plain: Mapping[str, Any]) -> Comparison:
    return Comparison(
        name=plain["name"],
        field=plain["field"],
        kind=ComparisonKind(plain["kind"]),
        null_sql=plain["null_sql"],
        levels=tuple(Level(**level) for level in plain["levels"]),
        m=tuple(plain["m"]),
        u=tuple(plain["u"]),
    )


def _terms_to_plain(terms: TermFrequencies) -> dict[str, Any]:
    return {
        "hashes": base64.b64encode(terms.hashes.astype("<i8").tobytes()).decode(),
        "frequencies": base64.b64encode(terms.frequencies.astype("<f8").tobytes()).decode(),
        "default": terms.default,
        "mean": terms.mean,
    }


def _terms_from_plain(plain: Mapping[str, Any]) -> TermFrequencies:
    hashes = np.frombuffer(base64.b64decode(plain["hashes"]), dtype="<i8")
    frequencies = np.frombuffer(base64.b64decode(plain["frequencies"]), dtype="<f8")
    return TermFrequencies(
        hashes=hashes.astype(np.int64),
        frequencies=frequencies.astype(np.float64),
        default=plain["default"],
        mean=plain["mean"],
    )
