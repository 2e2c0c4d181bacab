"""What every read may ask for: an answer that has seen at least this much."""

from typing import Annotated

from fastapi import Depends, Query

from services.identity.wire.as_of import TOKEN_CHARS_MAX
from services.profile_api.standing import AtLeast

WAIT_MS_MAX = 2_000


async def _asked(
    at_least: Annotated[
        str | None,
        Query(
            max_length=TOKEN_CHARS_MAX,
            description="An `as_of` that ingest or an earlier answer gave: without having seen"
            " all that it speaks of, 412 is answered",
        ),
    ] = None,
    wait_ms: Annotated[
        int, Query(ge=0, le=WAIT_MS_MAX, description="How long to wait for that before 412")
    ] = WAIT_MS_MAX,
) -> AtLeast:
    # A coroutine: FastAPI would send a plain function to a thread, which cost half as much as the
    # whole rest of a read.
    return AtLeast(token=at_least, wait_ms=wait_ms)


Asked = Annotated[AtLeast, Depends(_asked)]
