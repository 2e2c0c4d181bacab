"""What must hold at the end of a simulation, read from the store and from what was told."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.identity.adapters.memory.store import MemoryStore
from services.identity.adapters.sql.engine import connect
from services.identity.domain.errors import RejectedError
from services.identity.domain.identifiers import IdentityRules, rules_for
from services.identity.domain.ids import ProfileId, SegmentId, event_id_of
from services.identity.domain.source import Source
from services.identity.ports import Message, OutgoingMessage, Partition
from services.identity.store import ResolverStore
from services.identity.wire import dead_letter
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES, ChangeMessage, decode
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.commands import read as read_command
from services.identity.wire.events import DEAD_LETTER_TOPIC
from services.resolver.derive import Deriver
from services.resolver.land import read_event
from services.resolver.lander import GROUP
from services.resolver.state_hash import state_hash
from tests.property.order_world import SOURCES, broken_promises, lines_of, reviews_of
from tests.simulation.scorer import MODEL

Memberships = frozenset[tuple[SegmentId, ProfileId]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The derived state in lines for people, its hash, and what every state must keep."""

    lines: frozenset[str]
    hash: str
    is_clean: bool
    broken: tuple[str, ...]
    memberships: Memberships
    reviews: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the store keeps beside the derived state."""

    copies: Mapping[UUID, int]
    events: Sequence[UUID]
    commands: Sequence[str]
    offsets: Mapping[tuple[str, int], int]
    sequences: Mapping[str, int]
    unsent: int


def state_of(store: ResolverStore) -> State:
    reviews = frozenset(reviews_of(store))
    with store.snapshot() as snapshot:
        found = state_hash(snapshot)
        return State(
            lines=frozenset(lines_of(snapshot)),
            hash=found.value,
            is_clean=found.is_clean,
            broken=tuple(broken_promises(snapshot)),
            memberships=frozenset(snapshot.memberships()),
            reviews=reviews,
        )


def books_of_memory(store: MemoryStore) -> Books:
    tables = store.tables
    return Books(
        copies={entry.event_id: entry.copies for entry in tables.dedupe.values()},
        events=[event_id for own in tables.events.values() for _, event_id in own],
        commands=[*tables.decisions, *tables.value_words],
        offsets={(t, p): at for (group, t, p), at in tables.offsets.items() if group == GROUP},
        sequences={p.id: p.sequence for p in tables.profiles.values() if p.sequence},
        unsent=len(tables.outbox),
    )


def books_of_postgresql(url: str) -> Books:
    with connect(url) as connection:

        def rows(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        return Books(
            copies=dict(rows("SELECT event_id, copies FROM dedupe")),  # type: ignore[arg-type]
            events=[row[0] for row in rows("SELECT event_id FROM event")],  # type: ignore[misc]
            commands=[
                str(row[0])
                for query in ("SELECT id FROM steward_decision", "SELECT id FROM value_word")
                for row in rows(query)
            ],
            offsets={
                (str(topic), int(str(index))): int(str(at))
                for topic, index, at in rows(
                    "SELECT topic, partition, next_offset FROM consumer_offset"
                )
            },
            sequences={
                str(profile): int(str(sequence))
                for profile, sequence in rows("SELECT id, sequence FROM profile")
                if sequence
            },
            unsent=len(rows("SELECT seq FROM outbox")),
        )


def faults(
    plain: State,
    state: State,
    books: Books,
    *,
    messages: Mapping[Partition, Sequence[Message]],
    told: Sequence[OutgoingMessage],
    settled: Mapping[OutgoingMessage, int],
    holders_max: int,
) -> Iterator[str]:
    """Everything that does not hold, in words."""
    yield from sorted(f"missing: {line}" for line in plain.lines - state.lines)
    yield from sorted(f"not in the plain run: {line}" for line in state.lines - plain.lines)
    yield from sorted(f"review missing: {each}" for each in plain.reviews - state.reviews)
    yield from sorted(f"review too many: {each}" for each in state.reviews - plain.reviews)
    if state.hash != plain.hash:
        yield "the state hash is not that of the plain run"
    if not state.is_clean:
        yield "something is dirty"
    # What no rule allows, a person's word may: then it does so in the plain run, too.
    allowed = plain.broken if books.commands else ()
    yield from (each for each in state.broken if each not in allowed)
    yield from _faults_of_landing(books, messages, told, holders_max)
    yield from _faults_of_feed(state.memberships, books, told)
    if any(times > 1 for times in settled.values()):
        yield "a letter was sent again, though it had been sent and taken out of the outbox"
    if books.unsent:
        yield f"{books.unsent} letters are in the outbox"


def _faults_of_landing(
    books: Books,
    messages: Mapping[Partition, Sequence[Message]],
    told: Sequence[OutgoingMessage],
    holders_max: int,
) -> Iterator[str]:
    """Every message was landed once: as a copy of its event, or as a dead letter."""
    deriver = Deriver(
        MODEL, rules_for(SOURCES, declared=IdentityRules(generic_holders_max=holders_max))
    )
    sources: Mapping[str, Source] = {source.name: source for source in SOURCES}
    copies: Counter[UUID] = Counter()
    refused: set[str] = set()
    commands: set[str] = set()
    for message in (each for found in messages.values() for each in found):
        place = message.partition
        body = message.value or b""
        try:
            if place.topic == IDENTITY_COMMANDS:
                commands.add(read_command(body).id)
                continue
            event = read_event(body, sources, deriver)
        except RejectedError:
            refused.add(f"{place.topic}/{place.index}/{message.offset}")
        else:
            copies[event_id_of(event.source, event.message_id)] += 1
    if copies != books.copies:
        yield "the copies counted are not the messages in the log"
    if sorted(books.events) != sorted(copies):
        yield "the events kept are not those accepted, each once"
    if sorted(books.commands) != sorted(commands):
        yield "the commands kept are not those accepted, each once"
    letters = [each.value or b"" for each in told if each.topic == DEAD_LETTER_TOPIC]
    if {dead_letter.decode(each).position for each in letters} != refused:
        yield "the dead letters are not the messages refused"
    ends = {(each.topic, each.index): len(found) for each, found in messages.items() if found}
    if ends != {place: at for place, at in books.offsets.items() if at}:
        yield "the log is not landed to its end"


def _faults_of_feed(
    memberships: Memberships, books: Books, told: Sequence[OutgoingMessage]
) -> Iterator[str]:
    """Who drops repeats by sequence has 1, 2 ... n of each profile, and the segments of today."""
    last: defaultdict[str, int] = defaultdict(int)
    inside: set[tuple[SegmentId, ProfileId]] = set()
    for message in told:
        if message.topic not in {PROFILE_CHANGES, SEGMENT_CHANGES}:
            continue
        change = decode(message.value or b"")
        if change.sequence <= last[change.profile_id]:
            continue
        if change.sequence != last[change.profile_id] + 1:
            yield f"after change {last[change.profile_id]} of a profile came {change.sequence}"
        last[change.profile_id] = change.sequence
        yield from _follow(change, inside)
    if dict(last) != dict(books.sequences):
        yield "the last change told of a profile is not the last one decided"
    if inside != memberships:
        yield "who follows the feed has other segment memberships"


def _follow(change: ChangeMessage, inside: set[tuple[SegmentId, ProfileId]]) -> Iterator[str]:
    if not change.type.startswith("segment."):
        return
    stay = (SegmentId(change.data["segment"]), ProfileId(change.profile_id))
    has_entered = change.type == "segment.entered"
    if has_entered == (stay in inside):
        yield f"{change.type} was told twice in a row"
    inside.symmetric_difference_update({stay})
