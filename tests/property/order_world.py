"""One home, driven through land and resolve as a schedule says: what it comes to in the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from services.identity.adapters.memory.log import MemoryLog
from services.identity.adapters.memory.sources import MemorySources
from services.identity.adapters.memory.store import MemoryStore
from services.identity.domain.cluster import anchored_id
from services.identity.domain.ids import Micros, ProfileId, RecordKey, SegmentId, SourceName
from services.identity.domain.merge_policy import MODEL_ALONE, MergePolicy
from services.identity.domain.record import RecordState
from services.identity.domain.source import Source
from services.identity.domain.steward import Decision, Withdrawal
from services.identity.domain.value_word import ValueWord
from services.identity.ports import OutgoingMessage, TopicSettings
from services.identity.store import ResolverStore, RestartBatch, Snapshot, Transaction
from services.identity.wire.changes import PROFILE_CHANGES, SEGMENT_CHANGES
from services.identity.wire.commands import IDENTITY_COMMANDS
from services.identity.wire.commands import outgoing as commanded
from services.identity.wire.events import DEAD_LETTER_TOPIC, TOPIC, ChannelEvent
from services.linkage.features import Features
from services.linkage.model import LinkageModel
from services.linkage.score import PairScorer, PairWeights
from services.linkage.weights import Rows
from services.resolver.consume import Bounds, Worker
from services.resolver.resolve.burden import BurdenTooLargeError
from services.resolver.resolve.decided import TiedElsewhere
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash, state_hash, timeless
from tests.factories import outgoing, still_clock

_encoder = msgspec.json.Encoder(order="deterministic")

SOURCES = (
    Source(name=SourceName("app"), channel="app", workspace="bank", trust=1, region="GB"),
    Source(name=SourceName("billing"), channel="billing", workspace="shop", trust=2, unique=True),
    Source(name=SourceName("web"), channel="web", workspace="shop", region="GB"),
)
SHARED_ROWS_MAX = 3  # small, so that accounts become crowds, and cease to be
SEGMENTS: Mapping[SegmentId, Mapping[str, object]] = {
    SegmentId("the-lees"): {
        "id": "the-lees",
        "name": "The Lees with an address",
        "predicate": "surname = 'Lee' and email is not null",
    },
    SegmentId("not-alone"): {
        "id": "not-alone",
        "name": "Shares a home or an account with somebody",
        "predicate": "household_size > 1 or account_people > 1",
    },
    SegmentId("households-with-fibre"): {
        "id": "households-with-fibre",
        "name": "Two products at home",
        "predicate": "household_holdings + account_holdings > 1 or household_value > 10",
    },
}


class RememberingScorer(PairScorer):
    """Scores each pair of features once: a weight depends on its two records and nothing else."""

    def __init__(self, model: LinkageModel) -> None:
        super().__init__(model)
        self._known: dict[tuple[bytes, bytes], tuple[Any, Any]] = {}

    def score(self, features: Sequence[Features], left: Rows, right: Rows) -> PairWeights:
        texts = [_encoder.encode(each) for each in features]
        pairs = [(texts[a], texts[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
        missing = [place for place, pair in enumerate(pairs) if pair not in self._known]
        if missing:
            scored = super().score(features, left[missing], right[missing])
            for row, place in enumerate(missing):
                self._known[pairs[place]] = (scored.weights[row], scored.present[row])
        found = [self._known[pair] for pair in pairs]
        return PairWeights(
            weights=np.array([weights for weights, _ in found]),
            present=np.array([present for _, present in found]),
        )


class LoneStore:
    """A store of one worker: nobody can have been faster, so that being sent back is a bug.

    After `survive` more transactions, the next one dies just before it commits.
    """

    def __init__(self, store: ResolverStore) -> None:
        self._store = store
        self.survive: int | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        try:
            with self._store.transaction() as tx:
                yield tx
                if self.survive == 0:
                    raise Crashed
                if self.survive is not None:
                    self.survive -= 1
        except (TiedElsewhere, BurdenTooLargeError):
            raise  # it starts again with more locks, or with less to do
        except RestartBatch as error:
            raise AssertionError("a lone worker was sent back") from error

    def record_numbers(self) -> Iterator[Sequence[int]]:
        return self._store.record_numbers()

    def pending_work(self) -> int:
        return self._store.pending_work()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._store.snapshot() as snapshot:
            yield snapshot


class Crashed(Exception):  # noqa: N818  # not an error of the product: the process is gone
    """The worker died in a transaction."""


@dataclass(frozen=True)
class Phase:
    """A worker's life: how much it takes at once, and its steps, one letter each.

    L lands, R resolves, l and r do the same and die before they commit.
    """

    messages_max: int = 100
    marks_max: int = 1_000
    steps: str = ""


@dataclass(frozen=True)
class Schedule:
    """In which order the log holds the events (an index may repeat), and who reads it how."""

    order: tuple[int, ...]
    phases: tuple[Phase, ...] = ()
    partitions: int = 1
    in_portions: bool = False  # the log grows from phase to phase; else all is there at once
    holders_max: int = 3  # small, so that values become generic, and cease to be, all the time
    blast_max: int = 50
    policy: MergePolicy = MODEL_ALONE
    units_max: int = 4  # small, so that components are cut
    profile_max: int = 1_000  # smaller ones make blocks of decisive identifiers loose
    burden_max: int = 30_000  # of a batch: small ones leave all but the first for the next
    records_max: int = 10_000  # of a batch's component: no rule, a larger one only waits its turn


def with_limits(standing: Standing, schedule: Schedule) -> Standing:
    """The same compiled tools under the rules of one example."""
    standing.generic_holders_max = schedule.holders_max
    standing.component_units_max = schedule.units_max
    standing.profile_records_max = schedule.profile_max
    standing.blast_records_max = schedule.blast_max
    standing.pairs_kept_min = 1
    standing.burden_max = schedule.burden_max
    standing.merge_policy = schedule.policy
    return standing


@dataclass(frozen=True)
class Home:
    """The derived state in lines that can be compared by eye, its hash, and what may not be."""

    lines: tuple[str, ...]
    hash: StateHash
    broken: tuple[str, ...]
    reviews: frozenset[str] = frozenset()


def memory_store(model: LinkageModel) -> MemoryStore:
    sources = MemorySources()
    for source in SOURCES:
        sources.register(source, write_key_hash=None, at=Micros(0))
    store = MemoryStore(sources)
    store.activate_model(model.version, model.to_json().encode())
    for segment, document in SEGMENTS.items():
        store.save_segment(segment, document)
    return store


Said = ChannelEvent | Decision | Withdrawal | ValueWord


def message_of(said: Said) -> OutgoingMessage:
    return outgoing(said) if isinstance(said, ChannelEvent) else commanded(said)


def run(
    events: Sequence[Said], schedule: Schedule, store: ResolverStore, standing: Standing
) -> Home:
    """Land and resolve as scheduled, then whatever is left; the state when nothing is."""
    standing.component_records_max = schedule.records_max
    standing.shared_rows_max = SHARED_ROWS_MAX
    log = MemoryLog(still_clock())
    topics = (TOPIC, IDENTITY_COMMANDS, DEAD_LETTER_TOPIC, PROFILE_CHANGES, SEGMENT_CHANGES)
    log.ensure_topics([TopicSettings(name=t, partitions=schedule.partitions) for t in topics])
    messages = [message_of(said) for said in events]
    phases = (*schedule.phases, Phase())
    portions = _portions(schedule, len(phases))
    lone = LoneStore(store)
    for phase, portion in zip(phases, portions, strict=True):
        log.producer().append([messages[index] for index in portion])
        bounds = Bounds(messages_max=phase.messages_max, marks_max=phase.marks_max, poll_ms=0)
        worker = Worker(store=lone, log=log, clock=still_clock(), bounds=bounds, standing=standing)
        try:
            _live(worker, lone, phase.steps)
        except Crashed:
            lone.survive = None
        finally:
            worker.close()
    worker = Worker(
        store=lone, log=log, clock=still_clock(), bounds=Bounds(poll_ms=0), standing=standing
    )
    worker.run_until_caught_up()
    worker.close()
    reviews = frozenset(reviews_of(store))
    with store.snapshot() as snapshot:
        return Home(
            reviews=reviews,
            lines=tuple(lines_of(snapshot)),
            hash=state_hash(snapshot),
            broken=tuple(broken_promises(snapshot)),
        )


def reviews_of(store: ResolverStore) -> Iterator[str]:
    """What waits for a person, for people: a function of the state, too."""
    with store.transaction() as tx:
        items = tx.reviews_listed(kind=None, items_max=10_000)
    for each in items:
        if each.component is None:
            yield f"{each.kind} {each.subject}"  # its counts are those of when it came up
        else:
            detail = _encoder.encode(each.detail).decode()
            yield f"{each.kind} {each.subject} {each.effect} {detail}"


def _portions(schedule: Schedule, count: int) -> list[tuple[int, ...]]:
    """What the log is given before each phase."""
    if not schedule.in_portions:
        return [schedule.order, *((),) * (count - 1)]
    size = -(-len(schedule.order) // count)
    return [schedule.order[place * size : (place + 1) * size] for place in range(count)]


def _live(worker: Worker, store: LoneStore, steps: str) -> None:
    assigned = False
    for step in steps:
        landing = step in "Ll"
        if step in "lr":
            # A consumer's first poll asks for its offsets, in a transaction of its own.
            store.survive = 1 if landing and not assigned else 0
        if landing:
            worker.land_once(wait=False)
            assigned = True
        else:
            worker.resolve_once()
        store.survive = None


def lines_of(snapshot: Snapshot) -> Iterator[str]:
    """What the state hash is over, for people."""
    for key, state, profile in snapshot.records():
        yield f"record {key} in {profile}: {_encoder.encode(timeless(state)).decode()}"
    for low, high, weight in snapshot.edges():
        yield f"edge {low} {high} {weight}"
    for profile_id, document in snapshot.profiles():
        yield f"profile {profile_id} {document.decode()}"
    for segment, profile_id in snapshot.memberships():
        yield f"member {segment} {profile_id}"
    for account, record, role in snapshot.accounts():
        yield f"account {account} {record} {role}"


def broken_promises(snapshot: Snapshot) -> Iterator[str]:
    """Of every profile: one record a unique source, one user id a workspace, its anchor's id."""
    members: dict[ProfileId | None, list[tuple[RecordKey, RecordState]]] = {}
    for key, state, profile in snapshot.records():
        members.setdefault(profile, []).append((key, state))
    for profile, records in members.items():
        if profile != anchored_id((key, state.dated_from) for key, state in records):
            yield f"{profile} is not called like its anchor"
        if sum(key.source == "billing" for key, _ in records) > 1:
            yield f"{profile} holds two records of a unique source"
        if len(records) > 1 and len(_user_ids(records)) > 1:
            yield f"{profile} holds two user ids of one workspace"


def _user_ids(records: Sequence[tuple[RecordKey, RecordState]]) -> set[str]:
    prefix = "user_id\x1fshop\x1f"
    return {text for _, state in records for text in state.identifiers if text.startswith(prefix)}
