"""`plait proof`: one log in many orders, through the resolver itself; one state hash, or exit 1."""

import os
import sys
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Annotated

import typer

from services.cli.beside import process_pool
from services.cli.options import JsonOption
from services.cli.output import progress_bar, show
from services.cli.proof.run import order_of, state_after
from services.cli.proof.said import log_of
from services.identity.ports import OutgoingMessage
from services.linkage.model import LinkageModel
from services.linkage.shipped import shipped_model
from services.resolver.standing import Standing
from services.resolver.state_hash import StateHash

EXIT_NO = 1
EVENTS_MAX = 1_000_000
ORDERS_MAX = 100_000


def register(app: typer.Typer) -> None:
    app.command("proof")(proof)


def proof(
    orders: Annotated[int, typer.Option(min=2, max=ORDERS_MAX, help="How many orders.")] = 20,
    events: Annotated[int, typer.Option(min=10, max=EVENTS_MAX, help="Of one log.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed is another log.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Shuffle, repeat and repartition a log of events and decisions: the state must be one.

    On stores in memory, with the shipped model; nothing of a home is read or written.
    """
    begun = time.monotonic()
    found = list(_states(orders, events, seed))
    first = found[0].value
    differing = [number for number, state in enumerate(found) if state.value != first]
    unresolved = [number for number, state in enumerate(found) if not state.is_clean]
    report = {
        "orders": orders,
        "events": events,
        "seed": seed,
        "same": not differing and not unresolved,
        "state_hash": first,
        "records": found[0].records,
        "profiles": found[0].profiles,
        "differing_orders": differing,
        "unresolved_orders": unresolved,
        "seconds": round(time.monotonic() - begun, 1),
    }
    told = f"{orders} orders of {events:,} messages: {len({s.value for s in found})} state(s)"
    lines = [f"{told}, the first {first[:16]}", f"{report['seconds']} s"]
    if differing or unresolved:
        lines.append(f"orders that differ: {differing[:10]}, not resolved: {unresolved[:10]}")
    show(report, as_json=as_json, lines=lines)
    if differing or unresolved:
        sys.exit(EXIT_NO)


def _states(orders: int, events: int, seed: int) -> Iterator[StateHash]:
    """The state after each order."""
    workers = min(os.cpu_count() or 1, orders)
    with (
        process_pool(workers) as pool,
        progress_bar("orders", total=orders) as advance,
    ):
        for state in pool.map(partial(_state, events, seed), range(orders)):
            advance(1)
            yield state


def _state(events: int, seed: int, order: int) -> StateHash:
    """In a process of the pool."""
    return state_after(order_of(_log(events, seed), seed=order), _model(), _standing())


@cache
def _log(events: int, seed: int) -> list[OutgoingMessage]:
    return log_of(events, seed=seed)


@cache
def _model() -> LinkageModel:
    return LinkageModel.from_json(shipped_model().decode())


@cache
def _standing() -> Standing:
    """Compiled once a process."""
    return Standing()
