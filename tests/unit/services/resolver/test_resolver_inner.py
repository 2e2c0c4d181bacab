"""Pairs that stand in one component without an edge are scored once."""

from typing import Any

from services.identity.domain.ids import Micros
from services.identity.store_marks import MarkKind
from tests.factories import channel_event, outgoing
from tests.resolver_home import Home

RECORDS = 7
PAIRS = RECORDS * (RECORDS - 1) // 2
EDGES = RECORDS - 1


def visit(number: int, traits: dict[str, Any] | None = None, *, again: int = 0) -> Any:  # noqa: ANN401  # an event
    """Each shares its e-mail with the one before or its phone with the one after: a chain."""
    shared = {
        "email": f"kate{number // 2}@example.org",
        "phone": f"+44 20 7946 00{(number + 1) // 2:02}",
    }
    return channel_event(
        user_id=f"u-{number}",
        message_id=f"m-{number}-{again}",
        minute=number + 10 * again,
        traits=shared | (traits or {}),
    )


def scored(home: Home, event: Any) -> int:  # noqa: ANN401  # an event
    home.log.producer().append([outgoing(event)])
    home.worker.land_until_end()
    resolution = home.worker.resolve_once()
    assert resolution is not None
    home.worker.run_until_caught_up()
    return resolution.pairs


def chain() -> Home:
    return Home().say(*(visit(number) for number in range(RECORDS)))


def test_who_joins_is_compared_with_everybody_and_nobody_else_again() -> None:
    home = Home().say(*(visit(number) for number in range(RECORDS - 1)))
    assert scored(home, visit(RECORDS - 1)) == RECORDS - 1


def test_what_matching_does_not_see_compares_nobody() -> None:
    assert scored(chain(), visit(0, {"plan": "tv"}, again=1)) == 0


def test_who_changed_is_compared_with_everybody_again() -> None:
    assert scored(chain(), visit(0, {"firstName": "Kate"}, again=1)) == RECORDS - 1


def test_nothing_depends_on_what_was_kept() -> None:
    home = chain()
    before = home.worker, home.people()
    for component in list(home.store.tables.pair_vectors):
        del home.store.tables.pair_vectors[component]
    with home.store.transaction() as tx:
        tx.mark([(MarkKind.COMPONENT, 1, Micros(0))])
    assert scored(home, visit(0, {"plan": "tv"}, again=1)) == PAIRS - EDGES
    assert (home.worker, home.people()) == before
