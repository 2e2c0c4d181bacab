"""`python -m tests.quality`: train on every labelled set, resolve it, print what came of it."""

import sys
import time

from services.linkage.training.train import train
from tests.quality.labelled import LabelledSet
from tests.quality.metrics import Quality, found_share, measure
from tests.quality.pipeline import cluster
from tests.quality.sets import all_sets

_HEAD = (
    f"{'set':<20}{'records':>8}{'keys':>6}{'pairs/rec':>11}{'found':>8}{'P':>8}{'R':>8}{'F1':>8}"
    f"{'B3 F1':>8}{'largest':>9}{'train s':>9}{'resolve s':>11}"
)


def row(labelled: LabelledSet) -> tuple[str, Quality]:
    """One line of the table, and the figures in it."""
    started = time.perf_counter()
    trained = train(labelled.records, labelled.fields, unique_sources=labelled.unique_sources)
    learned = time.perf_counter()
    clusters, pairs = cluster(
        labelled.records, trained.model, unique_sources=labelled.unique_sources
    )
    done = time.perf_counter()
    count = len(labelled.records)
    quality = measure(
        clusters,
        [labelled.truth[record.key] for record in labelled.records],
        [record.source for record in labelled.records],
        across_sources=labelled.across_sources,
    )
    found = found_share(
        pairs.T.tolist(),
        [labelled.truth[record.key] for record in labelled.records],
        [record.source for record in labelled.records],
        across_sources=labelled.across_sources,
    )
    line = (
        f"{labelled.name:<20}{count:>8}{len(trained.model.keys):>6}"
        f"{pairs.shape[1] / count:>11.1f}{found:>8.4f}"
        f"{quality.precision:>8.4f}{quality.recall:>8.4f}{quality.f1:>8.4f}"
        f"{quality.bcubed_f1:>8.4f}{quality.largest:>9}"
        f"{learned - started:>9.1f}{done - learned:>11.1f}"
    )
    return line, quality


def main() -> int:
    failed = 0
    sys.stdout.write(_HEAD + "\n")
    for labelled in all_sets(sys.argv[1:]):
        line, quality = row(labelled)
        below = quality.f1 < labelled.floor or quality.bcubed_f1 < labelled.floor_bcubed
        failed += below
        sys.stdout.write(f"{line}{'  below its floor' if below else ''}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
