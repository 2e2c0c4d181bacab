"""`plait trace`: the way of one event, as the API tells it, and its dead letters from any log."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from services.cli.ask import ask
from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import problem_lines, show

OK, NOT_FOUND = 200, 404
UNKNOWN = "unknown"


def register(app: typer.Typer) -> None:
    app.command()(trace)


def trace(  # the options of the command, as documented
    *,
    message_id: Annotated[str, typer.Argument(help="The message id, as its sender gave it.")],
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print values and keys: they may name people.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """What became of one event, why it was refused, or where in the log it still waits.

    Exit 1 when nobody has heard of it.
    """
    opened = Home(home)
    landed = _landed(opened)  # before the question: what lands after it is looked for in the log
    asked = {"source": source, "values": "true" if show_values else None}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    status, body = ask(opened, "GET", f"/v1/trace/{quote(message_id, safe='')}?{query}")
    if status not in (OK, NOT_FOUND):
        show(body, as_json=as_json, lines=problem_lines(body))
        raise typer.Exit(1)
    found = status == OK
    document = {
        "message_id": message_id,
        "traces": body["traces"] if found else [],
        "dead_letters": body["dead_letters"] if found else None,
    }
    if document["dead_letters"] is None and opened.bootstrap_servers() is not None:
        document["dead_letters"] = _letters(opened, message_id, source)
    if not document["traces"]:
        document |= _waiting(opened, landed, message_id, source)
    is_known = any(document.get(part) for part in ("traces", "dead_letters", "waiting"))
    lines = [line for each in document["traces"] for line in trace_lines(each)]
    lines.extend(letter_line(each) for each in document["dead_letters"] or ())
    lines.extend(waiting_line(each) for each in document.get("waiting", ()))
    if document.get("not_looked_through"):
        lines.append(f"{document['not_looked_through']:,} events more wait and were not looked at")
    if not is_known:
        lines.insert(0, "nothing is known by this id")
    show(document, as_json=as_json, lines=lines)
    if not is_known:
        raise typer.Exit(1)


def _landed(home: Home) -> Mapping[tuple[str, int], int]:
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.lander import GROUP

    store = SqlStore(home.url)
    try:
        with store.transaction() as tx:
            return tx.next_offsets(GROUP)
    finally:
        store.close()


def _waiting(
    home: Home, landed: Mapping[tuple[str, int], int], message_id: str, source: str | None
) -> dict[str, Any]:
    from services.cli.waiting import find_waiting

    log = home.log()
    try:
        found, left = find_waiting(log, landed, message_id=message_id, source=source)
    finally:
        log.close()
    return {"waiting": [each.members() for each in found], "not_looked_through": left}


def waiting_line(found: Mapping[str, Any]) -> str:
    log = found["log"]
    return (
        f"{found['source']}: in the log and not landed yet, at {log['topic']}/{log['partition']}/"
        f"{log['offset']}, received {found['received_at']:%Y-%m-%dT%H:%M:%SZ};"
        f" {found['events_before_it']:,} events of its partition are landed before it"
    )


def _letters(home: Home, message_id: str, source: str | None) -> list[dict[str, Any]]:
    """From the log itself: on Kafka the API has no part of it."""
    from services.cli.letters import letter_document, read_letters
    from services.identity.wire.letter_book import LetterFilter

    log = home.log()
    try:
        wanted = LetterFilter(message_id=message_id, source=source, with_redriven=True)
        return [letter_document(each) for each in read_letters(log)[0].letters(wanted)]
    finally:
        log.close()


def letter_line(letter: Mapping[str, Any]) -> str:
    return (
        f"dead letter {letter['id']} ({letter['state']}): {letter['reason']} at {letter['origin']},"
        f" {letter['tries']} tries since {letter['first_at']}: {letter['detail']}"
    )


def trace_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """One event in lines, in the order of its way."""
    times, record, profile = found["times"], found["record"], found["profile"]
    log = found["log"] or {}
    yield f"{found['source']}: {found['type']} {found['event'] or ''}".rstrip()
    yield _row("received", f"{times['received_at']}  skew {_or_unknown(times['skew_ms'])} ms")
    yield _row("occurred", f"{times['occurred_at']}{'' if times['dated'] else '  (undated)'}")
    place = f"{log['topic']}/{log['partition']}/{log['offset']}" if log else UNKNOWN
    yield _row("log", place)
    yield _row("copies", f"{found['dedupe']['copies']}, the earliest counts")
    yield _row("record", f"{record['kind']} {record['key']}, {record['events']} events")
    for field in found["fields"]:
        yield _row("field", _field(field))
    for each in found["identifiers"]:
        why = f" ({each['reason']})" if each["reason"] else ""
        yield _row("identifier", f"{each['type']} {each['value']}: {each['outcome']}{why}")
    keys = found["keys"]
    generic = ", ".join(each["kind"] for each in keys["generic"]) or "none"
    yield _row(
        "keys",
        f"{keys['identifiers']} of identifiers, {keys['blocking']} blocking; generic: {generic}",
    )
    for each in found["candidates"]:
        yield _row("candidate", f"{_record(each['record'])}, {each['keys']} keys shared")
    for each in found["edges"]:
        yield _row("edge", f"{_record(each['record'])}, {each['match_weight_bits']:+.2f} bits")
    resolved = {True: "yes", False: "not yet", None: UNKNOWN}[found["resolved"]]
    yield _row("resolved", resolved)
    if profile is None:
        yield _row("profile", "none")
        return
    yield _row("profile", f"{profile['profile_id']}, changed {profile['changed_at']}")
    for stay in profile["segments"]:
        yield _row("segment", f"{stay['id']} since {stay['entered_at']}")
    unsent = _or_unknown(profile["changes_unsent"])
    yield _row("changes", f"{profile['changes_told']} told, {unsent} not sent yet")


def _field(field: Mapping[str, Any]) -> str:
    held = "" if field["outcome"] == "won" else f" to {field['held_by']} at {field['held_at']}"
    shown = field["in_profile"]
    if shown is None:
        where = "the profile shows none"
    elif shown["shown"]:
        where = "shown in the profile"
    else:
        where = f"the profile shows that of {shown['source']} ({shown['rule']})"
    return f"{field['name']} = {field['value']}: {field['outcome']}{held}; {where}"


def _record(record: Mapping[str, Any]) -> str:
    return f"{record['source']} {record['kind']} {record['key']}"


def _or_unknown(value: object) -> object:
    return UNKNOWN if value is None else value


def _row(name: str, text: str) -> str:
    return f"  {name:<11} {text}"
