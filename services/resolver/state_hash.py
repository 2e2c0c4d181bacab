"""One hash over everything derived: equal states have equal hashes, however they came about.

In it: record states, edges, partition, profile documents, current segment memberships, the records
of accounts (consents are part of the documents). Not in it: surrogate ids, versions, sequences,
load instants, histories.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from services.identity.domain.ids import Micros
from services.identity.domain.record import RecordState
from services.identity.domain.stamps import Stamped
from services.identity.store import Snapshot

_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHash:
    """`is_clean` is false while something is dirty: the hash is then of a state in between."""

    value: str
    is_clean: bool
    records: int
    edges: int
    profiles: int
    memberships: int


def state_hash(snapshot: Snapshot) -> StateHash:
    """Read the whole state once, in its own order."""
    digest = sha256()
    counts = dict.fromkeys(("record", "edge", "profile", "membership", "account"), 0)

    def add(kind: str, *parts: object) -> None:
        counts[kind] += 1
        digest.update(_encoder.encode((kind, *parts)))
        digest.update(b"\n")

    for key, state, profile in snapshot.records():
        add("record", key, timeless(state), profile)
    for low, high, weight in snapshot.edges():
        add("edge", low, high, weight)
    for profile_id, document in snapshot.profiles():
        add("profile", profile_id, document)
    for segment, profile_id in snapshot.memberships():
        add("membership", segment, profile_id)
    for account, record, role in snapshot.accounts():
        add("account", account, record, role)
    return StateHash(
        value=digest.hexdigest(),
        is_clean=snapshot.is_clean(),
        records=counts["record"],
        edges=counts["edge"],
        profiles=counts["profile"],
        memberships=counts["membership"],
    )


def timeless(state: RecordState) -> RecordState:
    """The state without the instants of loads, which say when a file was read, not what is true."""
    return replace(
        state,
        fields=_timeless(state.fields),
        accounts={
            name: replace(said, traits=_timeless(said.traits)) if said.traits else said
            for name, said in state.accounts.items()
        },
        account_columns=_timeless(state.account_columns),
    )


def _timeless(stamps: Mapping[str, Stamped]) -> dict[str, Stamped]:
    return {
        name: stamped if stamped.dated else replace(stamped, at=Micros(0), by="")
        for name, stamped in stamps.items()
    }
