"""Files into a home: the source is registered with its mapping, the rows go to the log."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import yaml

from services.cli.home import Home
from services.cli.output import progress_bar
from services.cli.running import alone
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import Micros, SourceName
from services.identity.domain.mapping import Mapping, parse_mapping
from services.identity.domain.source import Source

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
    at: Micros | None,
    again: bool,
) -> dict[str, Any]:
    """Register the source, append the file's rows; `bulk` resolves them set-based at once.

    Raises UsageError when the file, its mapping, or the home (for `bulk`) cannot be used.
    """
    with alone(home.path) if bulk else nullcontext():
        return _load_into(home, file, source=source, mapping=mapping, bulk=bulk, at=at, again=again)


def _load_into(  # as above
    home: Home,
    file: Path,
    *,
    source: str,
    mapping: Path,
    bulk: bool,
    at: Micros | None,
    again: bool,
) -> dict[str, Any]:
    from services.identity.adapters.sql.sources import SqlSources
    from services.ingest.load import load_file

    declared = _declare(source, read_mapping(mapping))
    if bulk:
        require_empty(home)
    sources = SqlSources(home.url)
    log = home.log()
    producer = log.producer()
    try:
        known = sources.find(source)
        if known is not None and known.mapping is None:
            raise UsageError(f"source {source!r} is a channel, not a file; choose another name")
        sources.register(declared, write_key_hash=None, at=home.clock.now())
        with progress_bar("rows read") as advance:
            done = 0

            def progress(total: int) -> None:
                nonlocal done
                advance(total - done)
                done = total

            report = load_file(
                file,
                source=declared,
                producer=producer,
                clock=home.clock,
                loads=sources,
                at=at,
                again=again,
                progress=progress,
            )
    finally:
        producer.close()
        log.close()
        sources.close()
    result: dict[str, Any] = {
        "source": source,
        "accepted": report.accepted,
        "rejected": {reason.value: count for reason, count in report.rejected.items()},
        "loaded_before": report.loaded_before is not None,
    }
    if bulk:
        from services.cli.filling import fill

        with progress_bar("stages", total=3) as stage:
            result |= fill(home, stage)
    return result


def _declare(name: str, mapping: Mapping) -> Source:
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
