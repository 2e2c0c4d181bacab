"""Profile documents as they are stored and hashed: JSON, keys sorted, nothing that time changes."""

import msgspec

from services.identity.domain.profile import Profile

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Profile)


def encode(profile: Profile) -> bytes:
    return _encoder.encode(profile)


def decode(document: bytes) -> Profile:
    return _decoder.decode(document)
