"""State hashes of a few fixed homes, a line each: for a process of its own to print."""

import random
import sys

from services.resolver.standing import Standing
from tests.property.event_strategies import EVENT_BYTES, SCHEDULE_BYTES, to_event, to_schedule
from tests.property.order_world import RememberingScorer, memory_store, run, with_limits
from tests.property.test_order import MODEL

HOMES = 40
EVENTS = 16


def main() -> None:
    standing = Standing(scorer=RememberingScorer(MODEL))
    for seed in range(HOMES):
        chance = random.Random(seed)
        events = [to_event(chance.randbytes(EVENT_BYTES)) for _ in range(EVENTS)]
        schedule = to_schedule(chance.randbytes(SCHEDULE_BYTES), EVENTS)
        home = run(events, schedule, memory_store(MODEL), with_limits(standing, schedule))
        sys.stdout.write(f"{seed} {home.hash.value}\n")


if __name__ == "__main__":
    main()
