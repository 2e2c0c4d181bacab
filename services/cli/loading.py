"""Files into a home: the source is registered with its mapping, the rows go to the log."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from services.cli.home import Home
from services.cli.output import Progress, progress_bar, tell
from services.cli.running import alone
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.mapping import Mapping, parse_mapping
from services.identity.domain.source import Source
from services.identity.ports import Clock

if TYPE_CHECKING:
    from services.linkage.training.train import Trained

MAPPING_BYTES_MAX = 1_000_000


def read_mapping(path: Path) -> Mapping:
    """Raises UsageError for a file that is missing, no YAML, or no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the mapping {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the mapping {path} is not UTF-8") from None
    if len(text) > MAPPING_BYTES_MAX:
        raise UsageError(f"the mapping {path} is larger than {MAPPING_BYTES_MAX} bytes")
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"the mapping {path} is not YAML: {error}") from None
    return parse_mapping(raw)


def load_into(  # the options of `plait load`
    home: Home,
    file: Path,
    *,
    source: str,
    mapping: Path,
    bulk: bool,
    train: bool = False,
    at: Micros | None,
    again: bool,
) -> dict[str, Any]:
    """Register the source, append the file's rows; `bulk` resolves them set-based at once.

    `train` learns the model from the file first, so that a whole base is resolved by its own.
    Raises UsageError when the file, its mapping, or the home (for `bulk`) cannot be used.
    """
    declared = declare(source, read_mapping(mapping))
    if train and not bulk:
        raise UsageError("--train goes with --bulk; train on what is loaded with `plait train`")
    if not bulk:
        return _append(home, file, declared, at=at, again=again)
    from services.cli.crew import crew
    from services.cli.filling import fill

    if not file.is_file():  # told before any process starts
        raise UsageError(f"there is no file {file}")
    with alone(home.path):
        require_empty(home)
        result = _learn(home, file, declared) if train else {}
        with crew(home) as workers:  # they land while the file is still being read
            result |= _append(home, file, declared, at=at, again=again)
            with progress_bar("stages", total=3) as stage:
                return result | fill(home, workers, stage)


def _learn(home: Home, file: Path, source: Source) -> dict[str, Any]:
    """A model of the file's rows, active from here on; its version, and what learning took."""
    from services.cli.model import keep

    begun = time.monotonic()
    trained = learn_from(home.clock, file, source)
    keep(home, trained, activate=True)
    seconds = round(time.monotonic() - begun, 1)
    return {"model_version": trained.model.version, "seconds_of_training": seconds}


def learn_from(
    clock: Clock, file: Path, source: Source, *, base_size: int | None = None
) -> "Trained":
    """A model of the file's rows, kept nowhere.

    Raises UsageError when the file cannot be used or teaches nothing.
    """
    from services.ingest.rows_alike import rows_of_file
    from services.resolver.train import train_on_file

    with rows_of_file(file, source=source, clock=clock, tell=tell) as rows:
        return train_on_file(rows, source, base_size=base_size, progress=tell)


def _append(
    home: Home, file: Path, source: Source, *, at: Micros | None, again: bool
) -> dict[str, Any]:
    """Register the source, append the file's rows."""
    from services.identity.adapters.sql.sources import SqlSources
    from services.ingest.load import load_file

    sources = SqlSources(home.url)
    log = home.log()
    producer = log.producer()
    try:
        known = sources.find(source.name)
        if known is not None and known.mapping is None:
            raise UsageError(
                f"source {source.name!r} is a channel, not a file; choose another name"
            )
        sources.register(source, write_key_hash=None, at=home.clock.now())
        with progress_bar("rows read") as advance:
            report = load_file(
                file,
                source=source,
                producer=producer,
                clock=home.clock,
                loads=sources,
                at=at,
                again=again,
                progress=_in_steps(advance),
            )
    finally:
        producer.close()
        log.close()
        sources.close()
    return {
        "source": source.name,
        "accepted": report.accepted,
        "rejected": {reason.value: count for reason, count in report.rejected.items()},
        "loaded_before": report.loaded_before is not None,
    }


def _in_steps(advance: Progress) -> Callable[[int], None]:
    """Takes how many there are in all by now."""
    done = 0

    def progress(total: int) -> None:
        nonlocal done
        advance(total - done)
        done = total

    return progress


def declare(name: str, mapping: Mapping) -> Source:
    return Source(
        name=SourceName(name),
        channel="file",
        workspace=name,
        unique=mapping.unique,
        mapping=mapping,
    )


def require_empty(home: Home) -> None:
    """Raises UsageError when the home holds events already, or a stack runs for it."""
    if home.processes():
        raise UsageError("--bulk fills a home at rest; stop its stack with `plait down`")
    with home.connection() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM record)").fetchone()
    if row is not None and row[0]:
        raise UsageError("--bulk is the first fill of an empty home; load without it")
