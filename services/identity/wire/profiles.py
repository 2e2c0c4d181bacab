"""Profile documents as they are stored and hashed: JSON, keys sorted, nothing that time changes."""

import msgspec

from services.identity.domain.profile import Profile

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Profile)


class _Certainty(msgspec.Struct):
    confidence: float
    ambiguous: bool


_certainty = msgspec.json.Decoder(_Certainty)


def encode(profile: Profile) -> bytes:
    return _encoder.encode(profile)


def decode(document: bytes) -> Profile:
    return _decoder.decode(document)


def certainty(document: bytes) -> tuple[float, bool]:
    """How sure the join that holds it together is, and whether a shared device keeps it apart."""
    found = _certainty.decode(document)
    return found.confidence, found.ambiguous
