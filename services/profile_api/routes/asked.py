"""What reads may ask for: to have seen at least this much, and to be so sure who it is."""

from typing import Annotated

from fastapi import Depends, Query

from services.identity.wire.as_of import TOKEN_CHARS_MAX
from services.profile_api.standing import AtLeast
from services.profile_api.sureness import Sureness

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


async def _sure(
    use: Annotated[
        str | None,
        Query(
            max_length=64,
            description="What the answer is for, as the rules name it (`merge_policy: uses`): where"
            " the identity is less sure than that asks, 409 is answered",
        ),
    ] = None,
    min_confidence: Annotated[
        float,
        Query(ge=0, le=1, allow_inf_nan=False, description="The same, as a number of one's own"),
    ] = 0.0,
) -> Sureness:
    return Sureness(use=use, confidence_min=min_confidence)


Sure = Annotated[Sureness, Depends(_sure)]
