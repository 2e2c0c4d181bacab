"""Stewards' words on values as they are stored, and which of each value is the latest."""

import msgspec

from services.identity.domain.value_word import ValueWord

_decoder = msgspec.json.Decoder(ValueWord)
VALUE_WORDS = """
SELECT DISTINCT ON (key) document FROM value_word ORDER BY key, decided_at DESC, id COLLATE "C"
"""


def decode_value_word(raw: bytes) -> ValueWord:
    return _decoder.decode(raw)
