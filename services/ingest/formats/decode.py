"""Bytes to values, every failure with its reason and none with what was sent."""

from typing import Any, TypeVar

import msgspec

from services.identity.domain.errors import RejectedError, RejectReason
from services.ingest.formats import contracts
from services.ingest.formats.limits import DEPTH_MAX

T = TypeVar("T")

_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_BOM = b"\xef\xbb\xbf"


def without_bom(raw: bytes) -> bytes:
    return raw.removeprefix(_BOM)


def decode_any(raw: bytes | msgspec.Raw) -> Any:  # noqa: ANN401  # JSON is anything
    """Raises RejectedError: broken JSON, broken UTF-8, nesting or numbers beyond bounds."""
    return _decode(_ANY, raw)


def decode_object(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    value = decode_any(raw)
    if not isinstance(value, dict):
        raise RejectedError(RejectReason.NOT_AN_OBJECT, "send one JSON object: {...}")
    return value


def decode_as(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw, *, contract: str) -> T:
    """Decode what `contract` describes; only a failure pays for the list of all violations."""
    try:
        return _decode(decoder, raw)
    except msgspec.ValidationError as error:
        raise contracts.refusal(contract, decode_object(raw), str(error)) from None


def _decode(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        if decoder is not _ANY:
            raise
        raise RejectedError(
            RejectReason.WRONG_TYPE, f"{error}; send long numbers as text"
        ) from None
    except msgspec.DecodeError as error:
        raise RejectedError(
            RejectReason.BROKEN_JSON, f"{error}; send one complete JSON document"
        ) from None
    except UnicodeDecodeError:
        raise RejectedError(RejectReason.BAD_ENCODING, "JSON must be UTF-8") from None
    except RecursionError:
        raise RejectedError(
            RejectReason.TOO_LARGE, f"nested deeper than {DEPTH_MAX} levels; send it flatter"
        ) from None
