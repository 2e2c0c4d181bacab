"""Training on what was loaded: the records of the store to a model version."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.identity.domain.errors import UsageError
from services.identity.domain.ids import RecordKey
from services.identity.domain.kinds import MATCHING, Kind
from services.identity.domain.source import Source
from services.identity.domain.traits import TRAIT_FIELDS
from services.identity.store import ResolverStore
from services.identity.wire.events import ChannelEvent
from services.identity.wire.neighbourhoods import Neighbourhoods, RowsOfFile
from services.identity.wire.said import fields_said
from services.linkage.training.records import TrainingRecord
from services.linkage.training.train import RECORDS_MAX, Trained, train
from services.linkage.training.whole_people import DrawnFrom, whole_groups
from services.resolver.landed_alike import LandedBounds, LandedNear, landed_alike

Progress = Callable[[str], None]
_DEFAULT_BOUNDS = LandedBounds()


def fields_of(sources: Collection[Source]) -> dict[str, Kind]:
    """The fields that these sources can fill, with their kinds.

    Raises UsageError when two sources give one field different kinds.
    """
    fields: dict[str, Kind] = {}
    for source in sorted(sources, key=lambda each: each.name):
        for name, kind in _fields(source).items():
            if fields.setdefault(name, kind) is not kind:
                raise UsageError(
                    f"field {name!r} is {fields[name]} in one source and {kind} in {source.name!r};"
                    " rename its column in one of the files, or give both one kind"
                )
    return {name: fields[name] for name in sorted(fields)}


def _fields(source: Source) -> Mapping[str, Kind]:
    if source.mapping is None:
        return {name: kind for name, kind in TRAIT_FIELDS.items() if kind in MATCHING}
    return {
        column.field: column.kind
        for column in source.mapping.columns.values()
        if column.kind in MATCHING
    }


def train_on(
    store: ResolverStore,
    *,
    names: Collection[str] = (),
    base_size: int | None = None,
    progress: Progress | None = None,
    bounds: LandedBounds = _DEFAULT_BOUNDS,
) -> Trained:
    """Learn from all records, or from those of the named sources. Writes nothing.

    Of a large base people are drawn, whole (ADR 32). `base_size` is how many records there will be,
    where these are only the first of them. Raises UsageError when a name is no source, or when
    there is nothing to learn from.
    """
    with store.transaction() as tx:
        sources = tx.sources()
    unknown = sorted(set(names) - sources.keys())
    if unknown:
        raise UsageError(f"no source {unknown[0]!r}; known are {sorted(sources)}")
    wanted = {name: source for name, source in sources.items() if not names or name in names}
    with store.snapshot() as snapshot:
        count = snapshot.record_count(wanted)
        is_large = count > bounds.records_max
        seeds = snapshot.first_records(wanted, records_max=bounds.seeds_max) if is_large else ()
    if is_large:
        near = landed_alike(store, seeds, sources=wanted, bounds=bounds)
        return _train_on_people(
            _landed_groups(near, wanted),
            wanted.values(),
            records=count,
            progress=progress,
            base_size=base_size,
        )
    with store.snapshot() as snapshot:
        told = (
            (key, state.matching_values())
            for key, state, _ in snapshot.records()
            if key.source in wanted
        )
        return _train(told, wanted.values(), progress, base_size=base_size)


def train_on_file(
    rows: RowsOfFile,
    source: Source,
    *,
    base_size: int | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Learn from the rows of one file, before they are landed. Writes nothing.

    Raises UsageError when there is nothing to learn from.
    """
    if rows.drawn is None:
        told = _told(rows.events or (), source)
        trained = _train(told, [source], progress, base_size=base_size, in_parts=True)
    else:
        trained = _train_on_people(
            _groups_of_file(rows.drawn, source),
            [source],
            records=rows.records,
            progress=progress,
            base_size=base_size,
        )
    skipped = {reason.value: count for reason, count in sorted(rows.skipped.items()) if count}
    of_rows = {"rows_read": rows.rows, "rows_skipped": skipped}
    return replace(trained, report=trained.report | of_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Some seeds with the records that look like them, by key."""

    seeds: Sequence[str]
    links: Sequence[tuple[str, str]]
    records: Mapping[str, TrainingRecord]


def _train_on_people(
    drawn: Iterable[_Drawn],
    sources: Collection[Source],
    *,
    records: int,
    progress: Progress | None,
    base_size: int | None,
) -> Trained:
    fields = tuple(fields_of(sources).items())
    unique = {source.name for source in sources if source.unique}
    base = DrawnFrom(fields=fields, unique_sources=unique, records=max(records, 2))
    return train(
        _people(drawn, base),
        fields,
        unique_sources=unique,
        progress=progress,
        base_size=base_size,
        in_parts=True,
        drawn_from=records,
    )


def _people(drawn: Iterable[_Drawn], base: DrawnFrom) -> Iterator[TrainingRecord]:
    """Whole groups, as long as they may all be held."""
    taken: set[str] = set()
    for some in drawn:
        groups = whole_groups(some.records, seeds=some.seeds, links=some.links, base=base)
        for group in groups:
            taken.update(record.key for record in group)
            if len(taken) > RECORDS_MAX:
                return
            yield from group


def _groups_of_file(drawn: Iterable[Neighbourhoods], source: Source) -> Iterator[_Drawn]:
    fields = fields_of([source])
    for some in drawn:
        yield _Drawn(
            seeds=[seed.text() for seed in some.seeds],
            links=[(seed.text(), other.text()) for seed, other in some.links],
            records=_by_key(_records(_told(some.events, source), fields)),
        )


def _landed_groups(drawn: Iterable[LandedNear], sources: Mapping[str, Source]) -> Iterator[_Drawn]:
    fields = fields_of(sources.values())
    for some in drawn:
        keys = {number: record.key.text() for number, record in some.records.items()}
        told = ((each.key, each.state.matching_values()) for each in some.records.values())
        yield _Drawn(
            seeds=[keys[seed] for seed in some.seeds],
            links=sorted((keys[seed], keys[other]) for seed, other in some.links),
            records=_by_key(_records(told, fields)),
        )


def _by_key(parts: Iterable[TrainingRecord]) -> dict[str, TrainingRecord]:
    """The records of rows that may be several a record; later words hold."""
    found: dict[str, TrainingRecord] = {}
    for part in parts:
        known = found.get(part.key)
        found[part.key] = part if known is None else known.with_more(part)
    return found


def _told(
    events: Iterable[ChannelEvent], source: Source
) -> Iterator[tuple[RecordKey, Mapping[str, str]]]:
    """What every row says; a record of several rows comes as often."""
    for event in events:
        said = fields_said(event, source.mapping)
        key = RecordKey(event.source, event.data.record.kind, event.data.record.key)
        yield key, {name: str(value) for name, value in said.items() if value is not None}


def _train(
    told: Iterable[tuple[RecordKey, Mapping[str, str]]],
    sources: Collection[Source],
    progress: Progress | None,
    *,
    base_size: int | None = None,
    in_parts: bool = False,
) -> Trained:
    """Learn from what records say: field -> text."""
    fields = fields_of(sources)
    return train(
        _records(told, fields),
        tuple(fields.items()),
        unique_sources={source.name for source in sources if source.unique},
        progress=progress,
        base_size=base_size,
        in_parts=in_parts,
    )


def _records(
    told: Iterable[tuple[RecordKey, Mapping[str, str]]], fields: Collection[str]
) -> Iterator[TrainingRecord]:
    for key, texts in told:
        values = {name: texts[name] for name in fields if name in texts}
        if values:
            yield TrainingRecord.of(key=key.text(), source=key.source, values=values)
