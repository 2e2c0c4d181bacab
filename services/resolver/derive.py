"""What matching needs of a record, derived from its state under one model and one set of rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from services.identity.domain.identifiers import IdentityRules, joined_identifier_key
from services.identity.domain.record import RecordState
from services.identity.domain.stamps import Stamped
from services.identity.store import StoredRecord
from services.linkage.features import Features, derive
from services.linkage.keys import KeyMaker
from services.linkage.model import LinkageModel
from services.linkage.residence import dwelling_of

IDENTIFIER_KEYS_MAX = 200  # identifiers of one record that are looked up, smallest keys first

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(dict[str, str | list[str]])
NO_FEATURES = _encoder.encode({})


def decode_features(raw: bytes) -> Features:
    return _decoder.decode(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """`features` encoded, `keys` sorted and distinct; the dwelling only of what changed."""

    features: bytes
    keys: Sequence[int]
    changes_matching: bool
    changes_spans: bool = False
    """Whether a value was seen at another time that a rule counts: candidates stay who they are."""
    dwelling: str | None = None


class Deriver:
    """Derives under one frozen model; give a new one to the next model version."""

    def __init__(self, model: LinkageModel, rules: IdentityRules) -> None:
        self.model = model
        self.rules = rules
        self._keys = KeyMaker(model)
        self._fields = tuple(name for name, _ in model.spec.fields)
        self._dated = tuple(
            f"{name}\x1f"
            for name, each in rules.types.items()
            if each.reassigned_after_days is not None
            or (each.limit is not None and each.limit.within_days is not None)
        )

    def derive(
        self, state: RecordState, stored: StoredRecord | None, *, again: bool = False
    ) -> Derived:
        """Features and keys; those of `stored` when what they depend on has not changed.

        `again` derives in any case: after a new model, new rules or a new normaliser.
        """
        if stored is not None and not again and self._same(stored.state, state):
            return Derived(
                features=stored.features,
                keys=stored.keys,
                changes_matching=False,
                changes_spans=self._dated != () and self._moves_spans(stored.state, state),
            )
        features = derive(self._values(state.fields), self.model.spec)
        found = self._identifier_keys(state)
        found.update(self._keys.keys_of(features))
        return Derived(
            features=_encoder.encode(features),
            keys=tuple(sorted(found)),
            changes_matching=True,
            dwelling=dwelling_of(features),
        )

    def _values(self, fields: Mapping[str, Stamped]) -> dict[str, str]:
        values: dict[str, str] = {}
        for name in self._fields:
            text = _text(fields, name)
            if text is not None:
                values[name] = text
        return values

    def _same(self, before: RecordState, after: RecordState) -> bool:
        if before.is_empty != after.is_empty or before.identifiers.keys() != (
            after.identifiers.keys()
        ):
            return False
        return all(_text(before.fields, name) == _text(after.fields, name) for name in self._fields)

    def _moves_spans(self, before: RecordState, after: RecordState) -> bool:
        """Of the same identifiers: whether one whose instants a rule reads was seen otherwise."""
        return any(
            before.identifiers[text] != seen
            for text, seen in after.identifiers.items()
            if text.startswith(self._dated)
        )

    def _identifier_keys(self, state: RecordState) -> set[int]:
        found = sorted(map(joined_identifier_key, state.identifiers))
        return set(found[:IDENTIFIER_KEYS_MAX])


def _text(fields: Mapping[str, Stamped], name: str) -> str | None:
    """What features are made of. Compared as text: 1, 1.0 and true are equal, their texts not."""
    stamped = fields.get(name)
    return None if stamped is None or stamped.value is None else str(stamped.value)
