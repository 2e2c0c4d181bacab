"""What really happened in a number of simulations, so that nobody can fool themselves."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

# What a whole run must have met, so that having survived it means something.
MET_EVERYWHERE = (
    "rebalances of messages in hand",
    "readers put back",
    "duplicates in the log",
    "repeats in the feed",
    "failures of the world",
    "decisions",
    "withdrawals",
    "words on values",
    "commands refused",
    "merged profiles",
    "split profiles",
    "reanchored profiles",
)
MET_ON_POSTGRESQL = ("marks left to a later batch",)
CRASHED_EVERYWHERE = (
    "between poll and landing",
    "within a transaction",
    "before a commit",
    "after a commit",
    "before the relay's append",
    "between the relay's append and its delete",
)
RESTARTED_ON_POSTGRESQL = (
    "another worker added one of these records",
    "a record changed while its pairs were being scored",
    "a component merged while it was being locked",
    "a key crossed its limit while pairs were being scored",
    "a record landed while candidates were being found",
    "a decision names records that are not locked",
)


@dataclass
class Tally:
    """Counts by name; `restarts`, `crashes` and `deadlocks` by reason or place, too."""

    seeds: int = 0
    steps: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    deadlocks: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.steps += other.steps
        for name in ("happened", "crashes", "restarts", "deadlocks"):
            getattr(self, name).update(getattr(other, name))

    def lines(self) -> Iterator[str]:
        counts = Counter(self.happened)
        counts["crashes"] = self.crashes.total()
        counts["restarts"] = self.restarts.total()
        counts["deadlocks"] = self.deadlocks.total()
        told = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
        yield f"{self.seeds:,} seeds, {self.steps:,} steps: {told}"
        for name in ("crashes", "restarts", "deadlocks"):
            for reason, number in getattr(self, name).most_common():
                yield f"  {name}: {number:,} {reason}"


def never_happened(total: Tally, ground: str) -> Iterator[str]:
    """What a whole run should have met, and did not."""
    yield from (name for name in MET_EVERYWHERE if not total.happened[name])
    yield from (f"a crash {place}" for place in CRASHED_EVERYWHERE if not total.crashes[place])
    if ground == "postgresql":
        yield from (name for name in MET_ON_POSTGRESQL if not total.happened[name])
        reasons = (reason for reason in RESTARTED_ON_POSTGRESQL if not total.restarts[reason])
        yield from (f"a restart because {reason}" for reason in reasons)
