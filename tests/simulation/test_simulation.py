"""Workers that crash, wait and meet in any order come to what one worker alone comes to.

The same with many more seeds: `make sim`.
"""

import pytest

from tests.simulation.run import simulate
from tests.simulation.tally import Tally, never_happened

pytestmark = pytest.mark.slow
SEEDS = 50
# 3 is played twice below; in 99 a component that is set aside becomes part of another one.
SEEDS_ON_POSTGRESQL = (0, 1, 2, 4, 99)


def test_on_the_memory_store_every_seed_ends_as_the_plain_run() -> None:
    total = Tally()
    for seed in range(SEEDS):
        outcome = simulate(seed)
        total.add(outcome.tally)
        assert outcome.faults == (), f"SIM_SEED={seed} make sim"
    assert list(never_happened(total, "memory")) == []


@pytest.mark.integration
def test_on_postgresql_two_workers_meet_at_every_statement(database_url: str) -> None:
    total = Tally()
    for seed in SEEDS_ON_POSTGRESQL:
        outcome = simulate(seed, url=database_url)
        total.add(outcome.tally)
        assert outcome.faults == (), f"SIM_SEED={seed} make sim"
    assert total.happened["waits for a lock"]


def test_a_seed_says_everything() -> None:
    assert simulate(3).steps == simulate(3).steps


@pytest.mark.integration
def test_a_seed_says_everything_on_postgresql_too(database_url: str) -> None:
    first, second = (simulate(3, url=database_url).own_steps for _ in range(2))
    assert len(first) > 100  # until the database first chooses between two that wait for one
    assert first == second
