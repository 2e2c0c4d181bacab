"""`plait dlq list`, `show`, `redrive`: what could not be accepted, and sending it again."""

import os
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import progress_bar, show, tell
from services.identity.domain.errors import RejectReason, UsageError
from services.identity.ports import EventLog, Message
from services.identity.wire import dead_letter
from services.identity.wire.letter_book import Letter, LetterBook, LetterFilter
from services.ingest.letter_log import read_book, read_entries


class Origin(StrEnum):
    """Who refuses."""

    INGEST = "ingest"
    FILE = "file"
    LAND = "land"


ReasonOption = Annotated[RejectReason | None, typer.Option(help="Refused for this reason.")]
SourceOption = Annotated[str | None, typer.Option(help="Of this source.")]
OriginOption = Annotated[
    Origin | None, typer.Option(help="Refused there: `file` is a load, `land` the resolver.")
]
SinceOption = Annotated[str | None, typer.Option(help="Last tried at or after this (RFC 3339).")]
UntilOption = Annotated[str | None, typer.Option(help="Last tried before this (RFC 3339).")]
LimitOption = Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)]
ValuesOption = Annotated[
    bool, typer.Option("--show-values", help="Print the original bytes: they may name people.")
]


def register(app: typer.Typer) -> None:
    letters = typer.Typer(help="Dead letters.", no_args_is_help=True)
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command("redrive")(redrive)
    app.add_typer(letters, name="dlq")


def list_letters(  # noqa: PLR0913  # the options of the command, as documented
    *,
    reason: ReasonOption = None,
    source: SourceOption = None,
    origin: OriginOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were sent again, too.")
    ] = False,
    limit: LimitOption = 100,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """What could not be accepted and still waits, the latest last, without the original bytes."""
    wanted = _filter((), reason, source, origin, since, until, with_redriven=everything)
    log = Home(home).log()
    try:
        book, older = read_letters(log)
    finally:
        log.close()
    found = book.letters(wanted)
    shown = found[-limit:]
    document = {
        "dead_letters": [letter_document(each) for each in shown],
        "matching": len(found),
        "not_looked_at": older,
        "not_ours": book.unread,
    }
    lines = [_line(each) for each in shown]
    if len(found) > len(shown):
        lines.append(f"{len(found) - len(shown)} more; --limit shows them")
    if older:
        lines.append(f"{older} older entries were not looked at")
    show(document, as_json=as_json, lines=lines or ["no dead letters"])


def show_letter(
    letter: Annotated[str, typer.Argument(help="The letter's id, as `plait dlq list` has it.")],
    show_values: ValuesOption = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """One letter with its headers; exit 1 when there is none of this id."""
    log = Home(home).log()
    try:
        found = read_letters(log)[0].letters(LetterFilter(ids=[letter], with_redriven=True))
        entries = list(read_entries(log, [each.place for each in found], group=_group()))
    finally:
        log.close()
    if not found or not entries:
        show({"dead_letter": None}, as_json=as_json, lines=["no letter has this id"])
        raise typer.Exit(1)
    document = letter_document(found[0]) | _content(entries[0], show_values=show_values)
    lines = [f"{name:<12} {value}" for name, value in document.items() if value is not None]
    show({"dead_letter": document}, as_json=as_json, lines=lines)


def redrive(  # noqa: PLR0913  # the options of the command, as documented
    *,
    letters: Annotated[
        list[str] | None, typer.Argument(help="Ids of letters; none: those that are filtered.")
    ] = None,
    reason: ReasonOption = None,
    source: SourceOption = None,
    origin: OriginOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Every letter that waits.")] = False,
    limit: LimitOption = 10_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of them, and send nothing.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Send letters again once their cause is mended; exit 1 when one is refused once more.

    What is accepted now counts as if it had never been refused; a repeat changes nothing.
    """
    wanted = _filter(letters or (), reason, source, origin, since, until)
    if wanted == LetterFilter() and not everything:
        raise UsageError("say which letters: ids, filters, or --all")
    opened = Home(home)
    log = opened.log()
    try:
        found = read_letters(log)[0].letters(wanted)
        result = _redrive(opened, log, found[:limit], dry_run=dry_run)
    finally:
        log.close()
    document = {"matching": len(found), **result, "dry_run": dry_run}
    verb = "would be sent" if dry_run else "sent again"
    lines = [
        f"{result['sent']} letters {verb}, as {result['events']} events",
        *(f"{count} refused once more: {why}" for why, count in result["refused"].items()),
    ]
    if len(found) > limit:
        lines.append(f"{len(found) - limit} more wait; --limit takes them")
    missing = sorted(set(wanted.ids) - {each.id for each in found})
    lines += [f"{each}: no letter of this id waits" for each in missing]
    show(document | {"missing": missing}, as_json=as_json, lines=lines)
    if result["refused"] or missing:
        raise typer.Exit(1)


def _redrive(
    home: Home, log: EventLog, letters: Sequence[Letter], *, dry_run: bool
) -> dict[str, Any]:
    from services.identity.adapters.sql.store import SqlStore
    from services.ingest.redrive import Redriver
    from services.ingest.settings import IngestSettings

    store, producer = SqlStore(home.url), None if dry_run else log.producer()
    try:
        with store.transaction() as tx:
            sources = tx.sources()
        driver = Redriver(
            sources=sources,
            limits=IngestSettings().limits(),
            clock=home.clock,
            producer=producer,
        )
        entries = read_entries(log, [each.place for each in letters], group=_group())
        with progress_bar("letters tried", total=len(letters)) as progress:
            done = driver.redrive(entries, progress=progress)
    finally:
        store.close()
        if producer is not None:
            producer.close()
    refused = {reason.value: count for reason, count in sorted(done.refused.items())}
    return {"sent": done.sent, "events": done.events, "refused": refused}


def read_letters(log: EventLog) -> tuple[LetterBook, int]:
    tell("reading the dead letters")
    with progress_bar("entries read") as progress:
        return read_book(log, group=_group(), progress=progress)


def _group() -> str:
    """Of this process alone: two commands at one time must both read everything."""
    return f"dlq-{os.getpid()}"


def _filter(  # the options in their order
    ids: Sequence[str],
    reason: RejectReason | None,
    source: str | None,
    origin: Origin | None,
    since: str | None,
    until: str | None,
    *,
    with_redriven: bool = False,
) -> LetterFilter:
    return LetterFilter(
        ids=tuple(ids),
        reason=reason,
        source=source,
        origin=None if origin is None else origin.value,
        since=_instant(since),
        until=_instant(until),
        with_redriven=with_redriven,
    )


def _instant(text: str | None) -> datetime | None:
    from services.cli.data import instant
    from services.identity.domain.instants import instant_of

    at = instant(text)
    return None if at is None else instant_of(at)


def letter_document(letter: Letter) -> dict[str, Any]:
    return letter.members() | {
        "first_at": letter.first_at.isoformat(),
        "last_at": letter.last_at.isoformat(),
        "message_id": letter.message_id,
        "bytes": letter.bytes,
        "partition": letter.place.partition,
        "offset": letter.place.offset,
    }


def _content(message: Message, *, show_values: bool) -> dict[str, Any]:
    """The headers and the bytes; only their names and number unless values are asked for."""
    letter = dead_letter.decode(message.value or b"")
    if not show_values:
        return {"headers": [name for name, _ in letter.headers], "body": None}
    raw = letter.original()
    headers = {n: value.decode(errors="replace") for n, value in letter.original_headers()}
    try:
        return {"headers": headers, "body": raw.decode(), "body_base64": None}
    except UnicodeDecodeError:
        return {"headers": headers, "body": None, "body_base64": letter.body}


def _line(letter: Letter) -> str:
    tries = f" tries {letter.tries}" if letter.tries > 1 else ""
    return (
        f"{letter.id}  {letter.last_at:%Y-%m-%d %H:%M:%S}  {letter.origin:<6}"
        f" {letter.reason.value:<18} {letter.source or '-':<10} {letter.detail}{tries}"
    )
