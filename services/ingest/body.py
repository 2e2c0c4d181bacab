"""The body of a request, read within bounds: never more in memory than the bound, zipped or not."""

import zlib

from starlette.requests import Request

from services.identity.domain.errors import RejectedError, RejectReason
from services.ingest.settings import IngestSettings

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # 16 asks zlib for the gzip header


async def read_body(request: Request, settings: IngestSettings) -> bytes:
    """The body as it was sent. Raises RejectedError(TOO_LARGE).

    What is too large is read to its end and thrown away piece by piece, up to `drain_bytes_max`:
    a sender that is cut off in mid-body never sees the answer that tells it why.
    """
    declared = request.headers.get("content-length", "")
    is_too_large = declared.isdecimal() and int(declared) > settings.body_bytes_max
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > settings.body_bytes_max or is_too_large:
            is_too_large = True
            pieces.clear()
        else:
            pieces.append(piece)
        if size > settings.drain_bytes_max:
            break
    if is_too_large:
        raise _too_large(settings)
    return b"".join(pieces)


def inflate(raw: bytes, settings: IngestSettings) -> bytes:
    """The body without gzip, which is known by its first bytes (some SDKs send no header).

    Raises RejectedError: TOO_LARGE beyond the bound, BAD_ENCODING when the gzip is broken.
    """
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    reader = zlib.decompressobj(_GZIP_WINDOW)
    try:
        result = reader.decompress(raw, settings.body_bytes_max + 1)
    except zlib.error:
        raise RejectedError(RejectReason.BAD_ENCODING, "the gzip body is broken") from None
    if len(result) > settings.body_bytes_max:
        raise _too_large(settings)
    if not reader.eof:
        raise RejectedError(RejectReason.BAD_ENCODING, "the gzip body is cut off")
    return result


def _too_large(settings: IngestSettings) -> RejectedError:
    return RejectedError(
        RejectReason.TOO_LARGE,
        f"a body may have {settings.body_bytes_max} bytes, unzipped too; send smaller batches",
    )
