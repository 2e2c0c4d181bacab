"""What a crowd may cost at most, whatever it shares and however many it are."""

from collections.abc import Iterator

from tests.attack.site import Cost

SLOWEST_SECONDS_MAX = 30.0  # one transaction
CPU_SECONDS_MAX = 10.0  # of the worker in one, whatever else the machine does
BYSTANDER_SECONDS_MAX = 5.0
MARKS_A_RECORD_MAX = 20
PAIRS_A_RECORD_MAX = 400
MEGABYTES_MAX = 1_500
PROFILE_RECORDS_MAX = 1_000  # as the built-in rules say
COMPONENT_RECORDS_MAX = 1_000  # no crowd here has both large units and edges between them


def broken(cost: Cost, *, with_time: bool = True) -> Iterator[str]:
    """A line for each bound that did not hold. Time says little on a machine that does more."""
    held = {
        f"{cost.marks} marks were resolved": cost.marks <= MARKS_A_RECORD_MAX * cost.records,
        f"{cost.pairs} pairs were scored": cost.pairs <= PAIRS_A_RECORD_MAX * cost.records,
        f"a profile has {cost.largest_profile} records": (
            cost.largest_profile <= PROFILE_RECORDS_MAX
        ),
        f"a component has {cost.largest_component} records": (
            cost.largest_component <= COMPONENT_RECORDS_MAX
        ),
    }
    if with_time:
        held |= {
            f"a transaction took {cost.slowest_seconds:.1f} s": (
                cost.slowest_seconds <= SLOWEST_SECONDS_MAX
            ),
            f"a transaction took {cost.cpu_seconds:.1f} s of CPU": (
                cost.cpu_seconds <= CPU_SECONDS_MAX
            ),
            f"a bystander waited {cost.bystander_seconds:.1f} s": (
                cost.bystander_seconds <= BYSTANDER_SECONDS_MAX
            ),
            f"the process took {cost.peak_megabytes} MB": cost.peak_megabytes <= MEGABYTES_MAX,
        }
    yield from (f"    BEYOND ITS BOUND: {words}" for words, is_held in held.items() if not is_held)
