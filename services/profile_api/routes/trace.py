"""The trace of one event: what an engineer asks first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.identity.domain.ids import event_id_of
from services.identity.wire.letter_book import LetterBook, LetterFilter
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.asked import Asked
from services.profile_api.routes.trace_responses import TraceAnswer
from services.profile_api.trace_view import (
    TraceReading,
    is_readable,
    only_of,
    trace_answer,
)

MessageId = Annotated[str, Path(max_length=512, description="As its sender gave it")]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/trace",
        tags=["trace"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.TRACE_READ))],
    )
    problems = answers(Code.UNKNOWN_MESSAGE, Code.NOT_COVERED)

    @routes.get("/{message_id:path}", responses=answers(200, model=TraceAnswer) | problems)
    async def read_trace(
        request: Request,
        message_id: MessageId,
        asked: Asked,
        *,
        source: Annotated[
            str | None, Query(max_length=200, description="Of this source only")
        ] = None,
        values: Annotated[
            bool, Query(description="Tell values and keys; needs profiles:read, too")
        ] = False,
    ) -> Response:
        """The way of every event with this message id, one for each source that used it."""
        if values:
            header = request.headers.get("authorization")
            await desk.keys.check(header, Scope.PROFILES_READ)
        standing = await desk.standing.now(asked)
        traces = await _traces(desk, message_id, source, show_values=values)
        letters = await _letters(desk, message_id, source)
        if not traces and not letters:
            raise ProblemError(Code.UNKNOWN_MESSAGE, _not_found(letters))
        body = {"message_id": message_id, "traces": traces, "dead_letters": letters}
        return answer(body | standing.members())

    return routes


async def _traces(
    desk: Desk, message_id: str, source: str | None, *, show_values: bool
) -> list[dict[str, object]]:
    rules, declared = await desk.people.declared()
    sources = {each.name: each for each in declared}
    names = list(sources) if source is None else [source]
    found = await desk.reads.traced_events([event_id_of(name, message_id) for name in names])
    result = []
    for event in found:
        if not is_readable(event.body):
            continue
        reading = TraceReading(
            event=event,
            around=await desk.reads.surroundings(event, rules),
            rules=rules,
            source={str(name): each for name, each in sources.items()}.get(event.record.source),
        )
        result.append(trace_answer(reading, show_values=show_values))
    return result


async def _letters(
    desk: Desk, message_id: str, source: str | None
) -> list[dict[str, object]] | None:
    """None where the log is not in this database: then nobody here knows."""
    entries = await desk.reads.letters_of(message_id)
    if entries is None:
        return None
    book = LetterBook()
    for entry in entries:
        book.add(entry)
    wanted = LetterFilter(message_id=message_id, with_redriven=True)
    return [each.members() for each in only_of(book.letters(wanted), source)]


def _not_found(letters: list[dict[str, object]] | None) -> str:
    if letters is None:
        return (
            "no event with this id has landed; what waits and the dead letters are in Kafka: ask"
            " `plait trace`"
        )
    return (
        "no event with this id has landed, and no dead letter names it; `plait trace` looks among"
        " what waits in the log, too"
    )
